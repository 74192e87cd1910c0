//! Numbers that open a connection.

/// Version 0.3: authorization key, one query at a time.
pub const V0_3: u32 = 0x5f75_e83e;
/// Version 0.4: authorization key, parallel queries.
pub const V0_4: u32 = 0x400c_2d20;
/// Version 1.0: users, SCRAM-SHA-256.
pub const V1_0: u32 = 0x34c2_bdc3;
/// Versions 0.1 and 0.2 spoke Protocol Buffers only; they get an answer, no service.
pub const V0_1: u32 = 0x3f61_ba36;
/// See [`V0_1`].
pub const V0_2: u32 = 0x7230_81e1;
/// The JSON protocol, asked for by versions 0.x.
pub const PROTOCOL_JSON: u32 = 0x7e69_70c7;
/// The Protocol Buffers protocol.
pub const PROTOCOL_PROTOBUF: u32 = 0x271f_fc41;
