//! `photondb completions` and `photondb man`.

mod support;

use support::{Ran, binary, ran};

#[test]
fn every_shell_completes_every_verb() {
    let folder = tempfile::tempdir().expect("a folder");
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let Ran { code, output, errors } = ran(binary(folder.path(), &["completions", shell]), "");
        assert_eq!(code, Some(0), "{shell}: {errors}");
        for word in ["dump", "index-rebuild", "password-file"] {
            assert!(output.contains(word), "{shell} lacks {word}");
        }
    }
    assert_eq!(ran(binary(folder.path(), &["completions", "dos"]), "").code, Some(2));
}

#[test]
fn bash_takes_the_script() {
    let folder = tempfile::tempdir().expect("a folder");
    let script = ran(binary(folder.path(), &["completions", "bash"]), "").output;
    std::fs::write(folder.path().join("photondb.bash"), script).expect("writes");
    let ask = "source ./photondb.bash; COMP_WORDS=(photondb du); COMP_CWORD=1; _photondb photondb du photondb; \
               echo \"${COMPREPLY[@]}\"";
    let mut bash = std::process::Command::new("bash");
    bash.current_dir(folder.path()).args(["-c", ask]);
    assert_eq!(ran(bash, "").output, "dump\n");
}

#[test]
fn each_verb_has_a_page() {
    let folder = tempfile::tempdir().expect("a folder");
    let page = ran(binary(folder.path(), &["man"]), "").output;
    assert!(page.contains(".TH photondb 1"), "{page}");
    assert_eq!(ran(binary(folder.path(), &["man", "-d", "pages"]), "").code, Some(0));
    for (name, words) in
        [("photondb-dump", "\\-\\-overwrite\\-file"), ("photondb-index-create", "\\-\\-unique")]
    {
        let page = std::fs::read_to_string(folder.path().join(format!("pages/{name}.1"))).expect("a page");
        assert!(page.contains(words), "{name}: {page}");
    }
}
