//! What a program started here may and may not do. Uses nothing but `sh` and core utilities.

use codeimport_subprocess::{Cancel, Command, SubprocessError};
use std::{
    fs,
    path::Path,
    thread,
    time::{Duration, Instant},
};

fn sh(script: &str) -> Command {
    Command::new("sh").args(["-c", script]).grace(Duration::from_millis(300))
}

/// Waits for a file that a script writes, and reads it.
fn read_when_written(path: &Path) -> String {
    let deadline = Instant::now() + Duration::from_secs(10);
    loop {
        match fs::read_to_string(path) {
            Ok(text) if text.ends_with('\n') => return text.trim().to_owned(),
            _ if Instant::now() > deadline => panic!("{} was not written", path.display()),
            _ => thread::yield_now(),
        }
    }
}

/// Whether a process is gone, or dead and only not yet reaped by init.
fn is_dead(pid: &str) -> bool {
    fs::read_to_string(format!("/proc/{pid}/stat")).map_or(true, |stat| stat.contains(") Z "))
}

fn wait_until_dead(pid: &str) {
    let deadline = Instant::now() + Duration::from_secs(10);
    while !is_dead(pid) {
        assert!(Instant::now() < deadline, "process {pid} is still alive");
        thread::yield_now();
    }
}

#[test]
fn a_failing_program_is_an_output_and_not_an_error() {
    let output = sh("echo out; echo err >&2; exit 3").run().unwrap();
    assert_eq!((output.code, output.stdout_text().as_str(), output.stderr.as_str()), (Some(3), "out\n", "err"));
    assert!(!output.success());
}

#[test]
fn a_missing_program_is_a_clear_error() {
    for program in ["no-such-program-here", "/no/such/program"] {
        let error = Command::new(program).run().unwrap_err();
        assert!(error.is_not_found(), "{error:?}");
        assert!(error.to_string().contains("install it"), "{error}");
    }
}

#[test]
fn a_time_out_kills_the_grandchildren_too() {
    let dir = tempfile::tempdir().unwrap();
    let pid_file = dir.path().join("pid");
    // The grandchild ignores SIGTERM, so only SIGKILL to the whole group ends it.
    let script = format!("sh -c 'trap \"\" TERM; echo $$ >{}; while :; do sleep 1; done' & wait", pid_file.display());
    let error = sh(&script).timeout(Duration::from_millis(500)).run().unwrap_err();
    assert!(matches!(error, SubprocessError::TimedOut { .. }), "{error:?}");
    wait_until_dead(&read_when_written(&pid_file));
}

#[test]
fn a_program_that_ends_leaves_nothing_running_behind() {
    let dir = tempfile::tempdir().unwrap();
    let pid_file = dir.path().join("pid");
    let output = sh(&format!("sleep 1000 & echo $! >{}", pid_file.display())).run().unwrap();
    assert!(output.success());
    wait_until_dead(&read_when_written(&pid_file));
}

#[test]
fn too_much_output_ends_the_program() {
    let error = sh("exec cat /dev/zero").stdout_limit(1000).run().unwrap_err();
    assert!(matches!(error, SubprocessError::OutputTooLarge { limit: 1000, .. }), "{error:?}");
}

#[test]
fn output_of_exactly_the_limit_is_fine() {
    let output = sh("printf 12345").stdout_limit(5).run().unwrap();
    assert_eq!(output.stdout, b"12345");
    let error = sh("printf 123456").stdout_limit(5).run().unwrap_err();
    assert!(matches!(error, SubprocessError::OutputTooLarge { .. }), "{error:?}");
}

#[test]
fn cancelling_from_another_thread_ends_the_program() {
    let dir = tempfile::tempdir().unwrap();
    let pid_file = dir.path().join("pid");
    let cancel = Cancel::new();
    let command = sh(&format!("echo $$ >{}; exec sleep 1000", pid_file.display())).cancel(cancel.clone());
    let runner = thread::spawn(move || command.run());
    let pid = read_when_written(&pid_file);
    cancel.cancel();
    let error = runner.join().unwrap().unwrap_err();
    assert!(matches!(error, SubprocessError::Cancelled { .. }), "{error:?}");
    assert!(is_dead(&pid));
}

#[test]
fn the_environment_is_pinned_and_nothing_else_gets_in() {
    // Cargo's own variables stand for whatever the parent has.
    assert!(std::env::var_os("CARGO_MANIFEST_DIR").is_some());
    let output = Command::new("env").env("OWN", "1").env("TZ", "Asia/Tokyo").run().unwrap();
    let text = output.stdout_text();
    let lines: Vec<_> = text.lines().collect();
    for expected in
        ["HOME=/nonexistent", "LC_ALL=C.UTF-8", "GIT_CONFIG_GLOBAL=/dev/null", "GIT_TERMINAL_PROMPT=0", "OWN=1"]
    {
        assert!(lines.contains(&expected), "{expected} is missing in {text}");
    }
    assert!(!text.contains("CARGO"), "{text}");
    assert_eq!(lines.iter().filter(|line| line.starts_with("TZ=")).collect::<Vec<_>>(), [&"TZ=Asia/Tokyo"]);
}

#[test]
fn standard_input_is_closed_unless_given() {
    assert_eq!(Command::new("cat").run().unwrap().stdout, b"");
    assert_eq!(Command::new("cat").stdin(b"given".to_vec()).run().unwrap().stdout, b"given");
    let not_read = Command::new("true").stdin(vec![0; 1 << 20]).run().unwrap();
    assert!(not_read.success(), "a program need not read what it is given");
}

#[test]
fn credentials_disappear_from_standard_error() {
    let output = sh("echo \"fatal: unable to access 'https://me:s3cret@host/x'\" >&2").run().unwrap();
    assert_eq!(output.stderr, "fatal: unable to access 'https://***@host/x'");
}

#[test]
fn a_companion_ends_with_its_handle() {
    let dir = tempfile::tempdir().unwrap();
    let pid_file = dir.path().join("pid");
    let daemon = sh(&format!("sleep 1000 & echo $! >{}; wait", pid_file.display())).start().unwrap();
    let pid = read_when_written(&pid_file);
    assert!(daemon.is_running());
    drop(daemon);
    wait_until_dead(&pid);
}

#[test]
fn a_companion_that_ends_by_itself_tells_its_last_words() {
    let daemon = sh("echo cannot bind >&2; exit 7").start().unwrap();
    let deadline = Instant::now() + Duration::from_secs(10);
    while daemon.is_running() {
        assert!(Instant::now() < deadline);
        thread::yield_now();
    }
    let output = daemon.stop().unwrap();
    assert_eq!((output.code, output.stderr.as_str()), (Some(7), "cannot bind"));
}

#[test]
fn root_can_hand_its_rights_down() {
    if !codeimport_subprocess::current_user_is_root() {
        return;
    }
    let nobody = codeimport_subprocess::User::find("nobody").unwrap();
    let output = Command::new("id").run_as(nobody.clone()).run().unwrap();
    let text = output.stdout_text();
    assert!(text.contains(&format!("uid={}", nobody.uid)) && !text.contains("(root)"), "{text} {}", output.stderr);
}
