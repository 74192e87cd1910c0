//! One target, as libFuzzer wants it, or over files: `photondb-fuzz TARGET FILE...`.

#![cfg_attr(fuzzing, no_main)]

#[cfg(fuzzing)]
mod guided {
    use std::sync::OnceLock;

    use photondb_fuzz::Target;

    static TARGET: OnceLock<Target> = OnceLock::new();

    libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
        let target = TARGET.get_or_init(|| {
            let name = std::env::var("PHOTONDB_FUZZ_TARGET").unwrap_or_default();
            Target::named(&name).unwrap_or_else(|| panic!("PHOTONDB_FUZZ_TARGET names no target: {name}"))
        });
        (target.check)(bytes);
    });
}

#[cfg(not(fuzzing))]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args_os().skip(1);
    let name = arguments.next().unwrap_or_default();
    let name = name.to_string_lossy();
    let target = photondb_fuzz::Target::named(&name).ok_or("usage: photondb-fuzz TARGET FILE...")?;
    for path in arguments {
        println!("{}", path.display());
        (target.check)(&std::fs::read(path)?);
    }
    Ok(())
}
