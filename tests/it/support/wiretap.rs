//! Runs a program under strace and gives what it wrote to its sockets, whoever it says that it talked to.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Stdio};

/// One socket of the internet, from its connect to its close.
#[derive(Clone, Debug, Default)]
pub(crate) struct Stream {
    /// Address and port that it was connected to.
    pub(crate) to: String,
    /// All that was written to it.
    pub(crate) bytes: Vec<u8>,
}

/// What a program did with sockets.
#[derive(Debug, Default)]
pub(crate) struct Tap {
    /// Exit code.
    pub(crate) code: i32,
    /// Sockets of the internet that were connected, in the order of that.
    pub(crate) streams: Vec<Stream>,
    /// Anything else that could carry bytes to somebody: sockets of other kinds, datagrams, ways of writing that are
    /// not read here.
    pub(crate) others: Vec<String>,
}

/// Bytes of one call that are shown; one call writes less.
const SHOWN: &str = "8388608";

/// Calls that set something of a socket or read from it, and write nothing.
const HARMLESS: &[&str] = &[
    "bind",
    "epoll_ctl",
    "fcntl",
    "fstat",
    "getpeername",
    "getsockname",
    "getsockopt",
    "ioctl",
    "listen",
    "poll",
    "ppoll",
    "read",
    "readv",
    "recvfrom",
    "recvmsg",
    "setsockopt",
    "shutdown",
];

/// Whether a program can be traced here; says so when not.
pub(crate) fn is_here() -> bool {
    let ran = Command::new("strace").args(["-qq", "-o", "/dev/null", "true"]).stderr(Stdio::null()).status();
    let is_here = ran.is_ok_and(|status| status.success());
    if !is_here {
        println!("NOT SHOWN: strace is not installed, or may not trace here");
    }
    is_here
}

/// Runs a program with all its threads and children to its end; `trace` is a new file.
pub(crate) fn tap(trace: &Path, program: &str, args: &[&str]) -> Tap {
    let status = Command::new("strace")
        // Strings in hex, so that nothing in them looks like the end of one; descriptors with what they are.
        .args(["-f", "-qq", "-yy", "-xx", "-s", SHOWN, "-e", "trace=%network,%desc,io_uring_setup", "-o"])
        .arg(trace)
        .arg(program)
        .args(args)
        .env_remove("MAILTRAIL_CASE")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .unwrap();
    let text = String::from_utf8(std::fs::read(trace).unwrap()).unwrap();
    let mut tap = Tap { code: status.code().unwrap_or(-1), ..Tap::default() };
    let mut open: BTreeMap<u32, usize> = BTreeMap::new();
    for call in calls(&text) {
        take(&call, &mut tap, &mut open);
    }
    tap
}

/// A call: its name, arguments and what it returned.
#[derive(Debug, Default)]
struct Call {
    name: String,
    args: String,
    result: i64,
    line: String,
}

/// The calls in the order in which they began; one that another thread's line cut in two is put together.
fn calls(text: &str) -> Vec<Call> {
    let mut lines: Vec<String> = Vec::new();
    let mut waiting: BTreeMap<&str, usize> = BTreeMap::new();
    for line in text.lines() {
        let (thread, line) = line.split_once(' ').unwrap();
        let line = line.trim_start();
        if let Some(begun) = line.strip_suffix(" <unfinished ...>") {
            waiting.insert(thread, lines.len());
            lines.push(begun.to_owned());
        } else if let Some(rest) = line.strip_prefix("<... ") {
            let at = waiting.remove(thread).unwrap();
            lines[at].push_str(rest.split_once(" resumed>").unwrap().1);
        } else {
            lines.push(line.to_owned());
        }
    }
    let call = |line: String| {
        let (name, rest) = line.split_once('(')?;
        let (args, result) = rest.rsplit_once(" = ")?;
        let digits: String = result.chars().take_while(|c| c.is_ascii_digit() || *c == '-').collect();
        let (name, args) = (name.to_owned(), args.trim_end().to_owned());
        Some(Call { name, args, result: digits.parse().unwrap_or(-1), line })
    };
    lines.into_iter().filter_map(call).collect()
}

fn take(call: &Call, tap: &mut Tap, open: &mut BTreeMap<u32, usize>) {
    let digits: String = call.args.chars().take_while(char::is_ascii_digit).collect();
    let descriptor: Option<u32> = digits.parse().ok();
    let is_socket = ["<TCP", "<UDP", "<UNIX", "<NETLINK", "<RAW", "<socket"]
        .iter()
        .any(|kind| call.args.get(digits.len()..).is_some_and(|rest| rest.starts_with(kind)));
    let stream = descriptor.and_then(|descriptor| open.get(&descriptor).copied());
    let mut odd = || tap.others.push(call.line.chars().take(300).collect());
    match call.name.as_str() {
        "socket" => {
            let is_tcp = call.args.starts_with("AF_INET") && call.args.contains("SOCK_STREAM");
            if !is_tcp {
                odd();
            }
        }
        "connect" => {
            let Some(descriptor) = descriptor else { return odd() };
            let Some(to) = peer(&call.args) else { return odd() };
            open.insert(descriptor, tap.streams.len());
            tap.streams.push(Stream { to, bytes: Vec::new() });
        }
        "close" => drop(descriptor.map(|descriptor| open.remove(&descriptor))),
        "write" | "writev" | "sendto" | "sendmsg" => {
            let Some(stream) = stream else {
                if is_socket {
                    odd();
                }
                return;
            };
            let Ok(sent) = usize::try_from(call.result) else { return };
            // A destination of its own would go past the connect.
            if call.args.contains("sa_family") || call.args.contains("\"...") {
                return odd();
            }
            let bytes = strings(&call.args);
            assert!(bytes.len() >= sent, "{}", call.line);
            tap.streams[stream].bytes.extend_from_slice(&bytes[..sent]);
        }
        // The same socket by another number.
        "dup" | "dup2" | "dup3" => again(stream, call.result, open),
        "fcntl" if call.args.contains("F_DUPFD") => again(stream, call.result, open),
        "io_uring_setup" | "socketpair" => odd(),
        name if HARMLESS.contains(&name) => {}
        _ if stream.is_some() || is_socket => odd(),
        _ => {}
    }
}

/// Notes that a descriptor is now that of `stream`, or of something else.
fn again(stream: Option<usize>, descriptor: i64, open: &mut BTreeMap<u32, usize>) {
    let Ok(descriptor) = u32::try_from(descriptor) else { return };
    match stream {
        Some(stream) => drop(open.insert(descriptor, stream)),
        None => drop(open.remove(&descriptor)),
    }
}

/// The address and port of a connect.
fn peer(args: &str) -> Option<String> {
    let port = args.split_once("htons(")?.1.split_once(')')?.0;
    let address = String::from_utf8(strings(args)).ok()?;
    Some(format!("{address}:{port}"))
}

/// The bytes of all strings of a call, one after the other.
fn strings(args: &str) -> Vec<u8> {
    let mut out = Vec::new();
    for (at, text) in args.split('"').enumerate() {
        if at % 2 == 1 {
            for byte in text.split("\\x").skip(1) {
                out.push(u8::from_str_radix(byte, 16).unwrap());
            }
        }
    }
    out
}
