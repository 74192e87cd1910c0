//! The time of each key path.

use criterion::{Criterion, criterion_group, criterion_main};
use photondb_micro::key_paths;

fn all(criterion: &mut Criterion) {
    for path in key_paths() {
        let mut step = (path.prepare)();
        criterion.bench_function(path.name, |bencher| bencher.iter(&mut step));
    }
}

criterion_group!(benches, all);
criterion_main!(benches);
