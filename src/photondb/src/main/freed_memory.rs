//! How long the allocator keeps memory that was freed before the system has it back.
//!
//! Fetching it anew costs a page fault for every 4 kB, which is a tenth of a write when what a
//! checkpoint frees is gone before the next changes need it. Keeping it costs memory. So it is
//! kept long as long as the process takes less than its cache may, and short above that.

use std::io;
use std::thread;
use std::time::Duration;

use tikv_jemalloc_ctl::{Access, AsName};

/// While the process is smaller than its cache may be: much longer than a checkpoint is from the
/// next one under load.
const ROOMY_KEEP_MS: isize = 60_000;
/// Above that, and what the allocator is built with in `.cargo/config.toml`.
const NARROW_KEEP_MS: isize = 500;
/// By so much the process may be larger than its cache before nothing at all is kept.
const OVERHEAD_BYTES_MAX: u64 = 32 * 1024 * 1024;
/// How often the size of the process is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// The same where there is little room: a scan fills its part of the cache in a moment.
const LOOK_OFTEN: Duration = Duration::from_millis(20);

/// Follows the size of the process from now on, for as long as it lives.
pub fn watch(cache_bytes: u64) -> io::Result<()> {
    let chosen: isize = "opt.dirty_decay_ms\0".name().read().unwrap_or_default();
    // Where the environment says otherwise, or there is no size to follow, it stays as it is.
    if chosen != NARROW_KEEP_MS || resident_bytes().is_none() {
        return Ok(());
    }
    thread::Builder::new().name("freed-memory".to_owned()).stack_size(64 * 1024).spawn(move || {
        let mut current = None;
        while let Some(resident) = resident_bytes() {
            let wanted = keep_ms(resident, cache_bytes);
            if current != Some(wanted) {
                keep_for(wanted);
                current = Some(wanted);
            }
            thread::sleep(if wanted == ROOMY_KEEP_MS { LOOK_EVERY } else { LOOK_OFTEN });
        }
    })?;
    Ok(())
}

/// How long to keep what is freed; zero for not at all.
fn keep_ms(resident_bytes: u64, cache_bytes: u64) -> isize {
    if resident_bytes < cache_bytes {
        ROOMY_KEEP_MS
    } else if resident_bytes < cache_bytes.saturating_add(OVERHEAD_BYTES_MAX) {
        NARROW_KEEP_MS
    } else {
        0
    }
}

/// Tells the allocator. Zero gives back at once what was freed before.
fn keep_for(milliseconds: isize) {
    let arenas: u32 = "arenas.narenas\0".name().read().unwrap_or(0);
    // For those to come.
    let mut names = vec!["arenas.dirty_decay_ms\0".to_owned()];
    names.extend((0..arenas).map(|arena| format!("arena.{arena}.dirty_decay_ms\0")));
    for name in names {
        // An arena that nobody has used yet does not exist, and will do as those to come.
        Access::<isize>::write(name.as_str().name(), milliseconds).unwrap_or_default();
    }
}

/// The memory of this process, if the system tells it.
fn resident_bytes() -> Option<u64> {
    let sizes = std::fs::read_to_string("/proc/self/statm").ok()?;
    let pages: u64 = sizes.split_whitespace().nth(1)?.parse().ok()?;
    Some(pages * rustix::param::page_size() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MEGABYTE: u64 = 1024 * 1024;

    #[test]
    fn the_larger_the_process_the_less_is_kept() {
        let kept = |megabytes| keep_ms(megabytes * MEGABYTE, 256 * MEGABYTE);
        assert_eq!(kept(20), ROOMY_KEEP_MS);
        assert_eq!(kept(256), NARROW_KEEP_MS);
        assert_eq!(kept(287), NARROW_KEEP_MS);
        assert_eq!(kept(288), 0);
    }

    #[test]
    fn the_allocator_is_told() {
        let told = || Access::<isize>::read("arena.0.dirty_decay_ms\0".name()).unwrap();
        for milliseconds in [ROOMY_KEEP_MS, 0, NARROW_KEEP_MS] {
            keep_for(milliseconds);
            assert_eq!(told(), milliseconds);
        }
    }

    #[test]
    fn the_system_tells_how_much_memory_the_process_has() {
        let resident = resident_bytes().expect("a size");
        assert!((MEGABYTE..1 << 40).contains(&resident), "{resident}");
    }
}
