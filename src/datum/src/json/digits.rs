//! The digits of doubles, as RethinkDB finds them.
//!
//! After F. Loitsch, "Printing floating-point numbers quickly and accurately with integers"
//! (2010), the second variant: digits that read back as the same double, nearly always as
//! few as possible. Of several equally short ones it should give the closest; the program
//! that RethinkDB prints with looks for that only when there are few digits behind the
//! point. Clients see these digits in strings, so they are found in the same way here.

/// At most as many digits as a double has.
pub(super) const DIGITS_MAX: usize = 20;

/// The digits of a number, and the power of ten of the last one.
pub(super) struct Digits {
    digits: [u8; DIGITS_MAX],
    count: usize,
    pub(super) exponent: i32,
}

impl Digits {
    /// Of a finite number above zero.
    pub(super) fn of(number: f64) -> Self {
        let value = Float::of(number);
        let (below, above) = value.boundaries();
        let (power, exponent) = Float::power_for(above.exponent);
        let value = value.normalized().times(power);
        let above = above.times(power);
        let below = below.times(power);
        // What is surely between the neighbours in spite of rounding.
        let (above, room) = (Float { bits: above.bits - 1, ..above }, above.bits - below.bits - 2);
        let mut digits = Self { digits: [0; DIGITS_MAX], count: 0, exponent };
        digits.generate(value, above, room);
        digits
    }

    /// As characters.
    pub(super) fn characters(&self) -> &[u8] {
        &self.digits[..self.count]
    }

    /// Appends a digit; leading zeros are none.
    fn push(&mut self, digit: u64) {
        if (digit != 0 || self.count > 0) && self.count < DIGITS_MAX {
            self.digits[self.count] = b'0' + digit as u8;
            self.count += 1;
        }
    }

    /// Digits of the upper end until they are within the room below it.
    fn generate(&mut self, value: Float, above: Float, room: u64) {
        let shift = -above.exponent;
        let one = 1u64 << shift;
        let distance = above.bits - value.bits;
        let mut whole = above.bits >> shift;
        let mut fraction = above.bits & (one - 1);
        let mut places = whole.checked_ilog10().map_or(0, |digits| digits + 1);
        while places > 0 {
            places -= 1;
            let unit = 10u64.pow(places);
            self.push(whole / unit);
            whole %= unit;
            let rest = (whole << shift) + fraction;
            if rest <= room {
                self.exponent += places as i32;
                self.come_closer(room, rest, unit << shift, distance);
                return;
            }
        }
        let mut room = room;
        let mut behind = 0;
        loop {
            fraction = fraction.wrapping_mul(10);
            room = room.wrapping_mul(10);
            self.push(fraction >> shift);
            fraction &= one - 1;
            behind += 1;
            if fraction < room {
                self.exponent -= behind as i32;
                // Beyond these places nothing comes closer.
                let scale = if behind < 9 { 10u64.pow(behind) } else { 0 };
                self.come_closer(room, fraction, one, distance.wrapping_mul(scale));
                return;
            }
        }
    }

    /// Lowers the last digit as long as that leads towards the value.
    fn come_closer(&mut self, room: u64, mut rest: u64, unit: u64, distance: u64) {
        let Some(last) = self.count.checked_sub(1) else { return };
        while rest < distance
            && room - rest >= unit
            && (rest + unit < distance || distance - rest > rest + unit - distance)
        {
            self.digits[last] -= 1;
            rest += unit;
        }
    }
}

/// `bits * 2^exponent`.
#[derive(Clone, Copy)]
struct Float {
    bits: u64,
    exponent: i32,
}

/// Bits of a double's fraction.
const FRACTION_BITS: u32 = 52;

impl Float {
    fn of(number: f64) -> Self {
        let bits = number.to_bits();
        let (exponent, fraction) =
            ((bits >> FRACTION_BITS & 0x7ff) as i32, bits & ((1 << FRACTION_BITS) - 1));
        match exponent {
            0 => Self { bits: fraction, exponent: -1074 },
            _ => Self { bits: fraction | 1 << FRACTION_BITS, exponent: exponent - 1075 },
        }
    }

    /// The same number with the highest bit set.
    fn normalized(self) -> Self {
        let shift = self.bits.leading_zeros();
        Self { bits: self.bits << shift, exponent: self.exponent - shift as i32 }
    }

    /// Halfway to the doubles below and above, with the same exponent.
    fn boundaries(self) -> (Self, Self) {
        let above = Self { bits: (self.bits << 1) + 1, exponent: self.exponent - 1 }.normalized();
        // The next double below a power of two is only half as far away.
        let below = match self.bits == 1 << FRACTION_BITS {
            true => Self { bits: (self.bits << 2) - 1, exponent: self.exponent - 2 },
            false => Self { bits: (self.bits << 1) - 1, exponent: self.exponent - 1 },
        };
        let shift = below.exponent - above.exponent;
        (Self { bits: below.bits << shift, exponent: above.exponent }, above)
    }

    /// The upper half of the product.
    fn times(self, other: Self) -> Self {
        let product = u128::from(self.bits) * u128::from(other.bits);
        let carry = (product >> 63 & 1) as u64;
        Self { bits: (product >> 64) as u64 + carry, exponent: self.exponent + other.exponent + 64 }
    }

    /// A power of ten that brings a number of this exponent near to one, and the power that
    /// the digits then need.
    fn power_for(exponent: i32) -> (Self, i32) {
        let wanted = f64::from(-61 - exponent) * std::f64::consts::LOG10_2 + 347.0;
        let index = (wanted.ceil() as usize >> 3) + 1;
        let power = POWERS_START + index as i32 * 8;
        (Self { bits: POWERS[index], exponent: ((power * 217_706) >> 16) - 63 }, -power)
    }
}

/// The first power of the table.
const POWERS_START: i32 = -348;

/// Every eighth power of ten: the highest 64 bits of each, rounded.
const POWERS: [u64; 87] = [
    0xfa8f_d5a0_081c_0288,
    0xbaae_e17f_a23e_bf76,
    0x8b16_fb20_3055_ac76,
    0xcf42_894a_5dce_35ea,
    0x9a6b_b0aa_5565_3b2d,
    0xe61a_cf03_3d1a_45df,
    0xab70_fe17_c79a_c6ca,
    0xff77_b1fc_bebc_dc4f,
    0xbe56_91ef_416b_d60c,
    0x8dd0_1fad_907f_fc3c,
    0xd351_5c28_3155_9a83,
    0x9d71_ac8f_ada6_c9b5,
    0xea9c_2277_23ee_8bcb,
    0xaecc_4991_4078_536d,
    0x823c_1279_5db6_ce57,
    0xc210_9436_4dfb_5637,
    0x9096_ea6f_3848_984f,
    0xd774_85cb_2582_3ac7,
    0xa086_cfcd_97bf_97f4,
    0xef34_0a98_172a_ace5,
    0xb238_67fb_2a35_b28e,
    0x84c8_d4df_d2c6_3f3b,
    0xc5dd_4427_1ad3_cdba,
    0x936b_9fce_bb25_c996,
    0xdbac_6c24_7d62_a584,
    0xa3ab_6658_0d5f_daf6,
    0xf3e2_f893_dec3_f126,
    0xb5b5_ada8_aaff_80b8,
    0x8762_5f05_6c7c_4a8b,
    0xc9bc_ff60_34c1_3053,
    0x964e_858c_91ba_2655,
    0xdff9_7724_7029_7ebd,
    0xa6df_bd9f_b8e5_b88f,
    0xf8a9_5fcf_8874_7d94,
    0xb944_7093_8fa8_9bcf,
    0x8a08_f0f8_bf0f_156b,
    0xcdb0_2555_6531_31b6,
    0x993f_e2c6_d07b_7fac,
    0xe45c_10c4_2a2b_3b06,
    0xaa24_2499_6973_92d3,
    0xfd87_b5f2_8300_ca0e,
    0xbce5_0864_9211_1aeb,
    0x8cbc_cc09_6f50_88cc,
    0xd1b7_1758_e219_652c,
    0x9c40_0000_0000_0000,
    0xe8d4_a510_0000_0000,
    0xad78_ebc5_ac62_0000,
    0x813f_3978_f894_0984,
    0xc097_ce7b_c907_15b3,
    0x8f7e_32ce_7bea_5c70,
    0xd5d2_38a4_abe9_8068,
    0x9f4f_2726_179a_2245,
    0xed63_a231_d4c4_fb27,
    0xb0de_6538_8cc8_ada8,
    0x83c7_088e_1aab_65db,
    0xc45d_1df9_4271_1d9a,
    0x924d_692c_a61b_e758,
    0xda01_ee64_1a70_8dea,
    0xa26d_a399_9aef_774a,
    0xf209_787b_b47d_6b85,
    0xb454_e4a1_79dd_1877,
    0x865b_8692_5b9b_c5c2,
    0xc835_53c5_c896_5d3d,
    0x952a_b45c_fa97_a0b3,
    0xde46_9fbd_99a0_5fe3,
    0xa59b_c234_db39_8c25,
    0xf6c6_9a72_a398_9f5c,
    0xb7dc_bf53_54e9_bece,
    0x88fc_f317_f222_41e2,
    0xcc20_ce9b_d35c_78a5,
    0x9816_5af3_7b21_53df,
    0xe2a0_b5dc_971f_303a,
    0xa8d9_d153_5ce3_b396,
    0xfb9b_7cd9_a4a7_443c,
    0xbb76_4c4c_a7a4_4410,
    0x8bab_8eef_b640_9c1a,
    0xd01f_ef10_a657_842c,
    0x9b10_a4e5_e991_3129,
    0xe710_9bfb_a19c_0c9d,
    0xac28_20d9_623b_f429,
    0x8044_4b5e_7aa7_cf85,
    0xbf21_e440_03ac_dd2d,
    0x8e67_9c2f_5e44_ff8f,
    0xd433_179d_9c8c_b841,
    0x9e19_db92_b4e3_1ba9,
    0xeb96_bf6e_badf_77d9,
    0xaf87_023b_9bf0_ee6b,
];

#[cfg(test)]
mod tests {
    use super::*;

    fn digits(number: f64) -> String {
        let digits = Digits::of(number);
        format!("{}e{}", String::from_utf8(digits.characters().to_vec()).unwrap(), digits.exponent)
    }

    #[test]
    fn digits_are_rethinkdbs() {
        let cases = [
            (0.1, "1e-1"),
            (1.0 / 3.0, "3333333333333333e-16"),
            (123_456.789, "123456789e-3"),
            (89_011.262_538_353_32, "8901126253835332e-11"),
            // Not the closest of 17 digits.
            (0.1 + 0.2, "30000000000000007e-17"),
            (40_007_862.917_250_894, "40007862917250897e-9"),
            (5e-324, "5e-324"),
            (f64::MAX, "17976931348623157e292"),
            (1e23, "9999999999999999e7"),
        ];
        for (number, expected) in cases {
            assert_eq!(digits(number), expected);
        }
    }

    #[test]
    fn digits_read_back() {
        let mut state = 1u64;
        for _ in 0..200_000 {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let number = f64::from_bits(state >> 1);
            if number.is_finite() && number > 0.0 {
                assert_eq!(digits(number).parse::<f64>().unwrap(), number);
            }
        }
    }
}
