//! The committed bundle is the one that the sources make, and the sources are sound.

use std::time::Duration;

use photondb_admin::{Workshop, compare};
use photondb_test_support::workspace_root;

const TIMEOUT: Duration = Duration::from_secs(300);

#[test]
fn bundle_is_current() {
    let workshop = Workshop::open().expect("the packages can be fetched");
    let output = workshop.run("vite", &["build"], TIMEOUT).expect("vite can be started");
    assert!(output.success, "{}\n{}", output.stdout, output.stderr);
    let committed = workspace_root().join("static/dist");
    let differences = compare(&workshop.bundle(), &committed).expect("both can be read");
    assert!(
        differences.is_empty(),
        "static/dist is not what the sources make; run `npm ci && npm run build` in static/ and commit \
         the result: {differences:#?}"
    );
}

#[test]
fn types_are_sound() {
    let workshop = Workshop::open().expect("the packages can be fetched");
    let arguments = ["--tsconfig", "./tsconfig.json", "--fail-on-warnings"];
    let output = workshop.run("svelte-check", &arguments, TIMEOUT).expect("svelte-check can be started");
    assert!(output.success, "{}\n{}", output.stdout, output.stderr);
}

#[test]
fn own_tests() {
    let workshop = Workshop::open().expect("the packages can be fetched");
    let output = workshop.run("vitest", &["run"], TIMEOUT).expect("vitest can be started");
    assert!(output.success, "{}\n{}", output.stdout, output.stderr);
}
