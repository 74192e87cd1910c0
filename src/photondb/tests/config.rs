//! `photondb.toml`: what it says, what it may not say, and what counts for more.

mod support;

use std::path::Path;

use support::{Fixture, Ran, binary, ran};

fn write(folder: &Path, text: &str) {
    std::fs::write(folder.join("photondb.toml"), text).expect("writes");
}

#[test]
fn mistakes_name_their_line_and_what_is_allowed() {
    let folder = tempfile::tempdir().expect("a folder");
    for (text, line, said) in [
        ("[serve]\n\ndrvier-port = 5\n", 3, "there is no key `drvier-port` in [serve], but "),
        ("[serve]\ndriver-port = 99999\n", 2, "99999 is not in 0..=65535"),
        ("[serve]\ncache-size = \"much\"\n", 2, "`much` is no size"),
        ("[serve]\nlog-format = \"xml\"\n", 2, "[possible values: text, json]"),
        ("[serve]\nno-http-admin = 1\n", 2, "`no-http-admin` should be true or false"),
        ("[serve]\nbind = [\"all\", \"here\"]\n", 2, "`here` is no address"),
        ("[serve]\nbind = [[1]]\n", 2, "`bind` should be a string, a number or a list of them"),
        ("[serve]\ndirectory = {}\n", 2, "`directory` should be a string or a number"),
        ("[client]\nconnect = \"here:port\"\n", 2, "is no HOST:PORT"),
        ("[client]\noutput = \"xml\"\n", 2, "[possible values: table, json, ndjson, csv]"),
        ("[client]\npassword = \"x\"\n", 2, "there is no key `password` in [client], but "),
        ("[serve]\n[other]\n", 2, "`other` is no table; tables are [serve] and [client]"),
        ("serve = 5\n", 1, "`serve` is a table: write [serve]"),
        ("[serve\n", 1, "photondb.toml:1: "),
    ] {
        write(folder.path(), text);
        for verb in [vec!["config", "check"], vec!["db", "list"]] {
            let Ran { code, errors, .. } = ran(binary(folder.path(), &verb), "");
            assert_eq!(code, Some(2), "{text}: {errors}");
            let start = format!("photondb: photondb.toml:{line}: ");
            assert!(errors.starts_with(&start) && errors.contains(said), "{text}: {errors}");
        }
    }
    let missing = ran(binary(folder.path(), &["db", "list", "--config-file", "none.toml"]), "");
    assert!(missing.errors.contains("cannot read none.toml"), "{}", missing.errors);
    write(folder.path(), "[serve]\nbind = \"all\"\ndriver-port = 5\n[client]\nuser = \"ann\"\n");
    let good = ran(binary(folder.path(), &["config", "check", "photondb.toml"]), "");
    assert_eq!((good.code, good.output.as_str()), (Some(0), "photondb.toml: 3 keys, nothing is wrong\n"));
}

#[test]
fn flags_count_for_more_than_variables_and_those_for_more_than_the_file() {
    let folder = tempfile::tempdir().expect("a folder");
    let fixture = Fixture::start();
    let address = format!("127.0.0.1:{}", fixture.port);
    let list = |prepare: &dyn Fn(&mut std::process::Command), arguments: &[&str]| {
        let mut command = binary(folder.path(), &[&["db", "list"], arguments].concat());
        prepare(&mut command);
        ran(command, "")
    };
    let nothing: &dyn Fn(&mut std::process::Command) = &|_| {};
    // The file alone.
    write(folder.path(), &format!("[client]\nconnect = \"{address}\"\noutput = \"csv\"\n"));
    assert_eq!(list(nothing, &[]).output, "name\nrethinkdb\ntest\n");
    assert_eq!(list(nothing, &["-o", "ndjson"]).output, "\"rethinkdb\"\n\"test\"\n");
    let variable: &dyn Fn(&mut std::process::Command) = &|command| {
        command.env("PHOTONDB_OUTPUT", "ndjson");
    };
    assert_eq!(list(variable, &[]).output, "\"rethinkdb\"\n\"test\"\n");
    // The variables of RethinkDB's tools are variables, too.
    let elsewhere: &dyn Fn(&mut std::process::Command) = &|command| {
        command.env("RETHINKDB_HOSTNAME", "127.0.0.1").env("RETHINKDB_DRIVER_PORT", "1");
    };
    assert_eq!(list(elsewhere, &[]).code, Some(3));
    write(folder.path(), "[client]\nconnect = \"127.0.0.1:1\"\n");
    assert_eq!(list(nothing, &[]).code, Some(3));
    assert_eq!(list(nothing, &["-c", &address]).code, Some(0));
    std::fs::rename(folder.path().join("photondb.toml"), folder.path().join("other.toml")).expect("renames");
    assert_eq!(list(nothing, &["--config-file=other.toml"]).code, Some(3));
    let named: &dyn Fn(&mut std::process::Command) = &|command| {
        command.env("PHOTONDB_CONFIG_FILE", "other.toml");
    };
    assert_eq!(list(named, &[]).code, Some(3));
}

#[test]
fn values_are_shown_with_their_origin() {
    let folder = tempfile::tempdir().expect("a folder");
    write(
        folder.path(),
        "[serve]\nbind = [\"all\", \"10.0.0.1\"]\nno-http-admin = true\ninitial-password = \"secret\"\n\
         [client]\nuser = \"ann\"\n",
    );
    let mut show = binary(folder.path(), &["config", "show", "-o", "csv"]);
    show.env("PHOTONDB_DRIVER_PORT", "5");
    let shown = ran(show, "");
    for line in [
        "table,key,value,from\n",
        "serve,directory,photondb_data,default\n",
        "serve,bind,\"all,10.0.0.1\",photondb.toml:2\n",
        "serve,driver-port,5,$PHOTONDB_DRIVER_PORT\n",
        "serve,no-http-admin,true,photondb.toml:3\n",
        "serve,initial-password,(hidden),photondb.toml:4\n",
        "client,user,ann,photondb.toml:6\n",
        "client,connect,,default\n",
    ] {
        assert!(shown.output.contains(line), "{line}: {}{}", shown.output, shown.errors);
    }
}

#[test]
fn a_server_is_served_as_the_file_says() {
    let folder = tempfile::tempdir().expect("a folder");
    write(
        folder.path(),
        "[serve]\ndirectory = \"there\"\ndriver-port = 0\nno-http-admin = true\nserver-name = \"named\"\n",
    );
    for arguments in [vec![], vec!["serve"]] {
        let mut command = binary(folder.path(), &arguments);
        let mut child = command.stdout(std::process::Stdio::piped()).spawn().expect("starts");
        let output = std::io::BufReader::new(child.stdout.take().expect("is piped"));
        let ready = std::io::BufRead::lines(output)
            .map(|line| line.expect("reads"))
            .find(|line| line.starts_with("Server ready"));
        child.kill().expect("kills");
        child.wait().expect("ends");
        assert!(ready.is_some_and(|line| line.contains("\"named\"")));
        assert!(folder.path().join("there").is_dir());
    }
}
