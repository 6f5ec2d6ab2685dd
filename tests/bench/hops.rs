//! Time of queries over many hops: `cargo bench --bench hops` makes an index of a million hops and asks it, opened anew
//! each time; with a folder of mail, what reading the ways of its messages costs.
#![allow(clippy::print_stdout, reason = "a benchmark prints what it measured")]
#![allow(clippy::unwrap_used, reason = "a benchmark may stop at the first surprise")]

use std::time::Instant;

use mailtrail::facts::derive::{Scratch, derive};
use mailtrail::facts::{DateReading, Hop, ItemFacts, ItemText};
use mailtrail::index::schema::HopHost::{By, Helo};
use mailtrail::index::{IndexReader, IndexWriter, Indexed, Lookup, Stop, Watermarks, Way, schema};
use mailtrail::route::{Mail, Settings, chain};
use mailtrail::types::time::UtcMs;
use mailtrail::types::{ByteRange, ItemKey, Sha256Digest};

const ITEMS: u64 = 200_000;
const HOPS: u64 = 5;

fn make(folder: &std::path::Path) {
    let mut writer = IndexWriter::open(folder).unwrap();
    let mut worker = writer.worker(100 << 20);
    let mut seed = 1u64;
    let mut next = |below: u64| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) % below
    };
    for item in 0..ITEMS {
        let (mut message, mut facts) = (Vec::new(), ItemFacts::default());
        for hop in 0..HOPS {
            let mut put = |text: String| {
                let from = message.len();
                message.extend_from_slice(text.as_bytes());
                Some(ByteRange::of_usize(from, message.len()))
            };
            let ip = u32::try_from(next(1 << 18)).unwrap() + 0x0a00_0000;
            facts.hops.push(Hop {
                by: put(format!("mx{}.d{}.example", next(4), next(20_000))),
                helo: put(format!("h{}.example", next(100_000))),
                rdns: put(format!("r{}.example", next(100_000))),
                id: put(format!("{item}x{hop}")),
                peer_ip: Some(std::net::Ipv4Addr::from(ip).into()),
                date: Some(DateReading {
                    at: ByteRange::default(),
                    utc: UtcMs((1_700_000_000 + item.cast_signed() * 60 - hop.cast_signed() * 9) * 1000),
                    offset_secs_east: Some(0),
                    zone_known: true,
                }),
                ..Hop::default()
            });
        }
        let digest = Sha256Digest::of(&item.to_le_bytes());
        worker.add(&Indexed {
            key: ItemKey::new(1, item, 0).unwrap(),
            sha256: &digest,
            wire: &digest,
            facts: &facts,
            message: &message,
            text: &ItemText::default(),
            notes: &[],
            state: &[],
            way: Way {
                findings: &["chain-break"],
                trust: &["boundary", "claimed", "claimed", "claimed", "claimed"],
                ..Way::default()
            },
        });
        if worker.is_full() {
            writer.add(&worker.flush().unwrap().unwrap()).unwrap();
        }
    }
    if let Some(last) = worker.flush().unwrap() {
        writer.add(&last).unwrap();
    }
    writer.commit(&Watermarks::from([(1, ITEMS)])).unwrap();
}

fn host(place: schema::HopHost, name: &str) -> Lookup {
    let mut term = Vec::new();
    schema::host_term(&mut term, place, name.as_bytes());
    Lookup::Prefix(term)
}

fn network(first: &str, last: &str) -> Lookup {
    let term = |ip: &str| {
        let mut term = Vec::new();
        schema::ip_term(&mut term, schema::kind::PEER_IP, ip.parse().unwrap());
        term
    };
    Lookup::Range(term(first), term(last))
}

fn files(dir: &std::path::Path, out: &mut Vec<std::path::PathBuf>) {
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { files(&path, out) } else { out.push(path) }
    }
}

/// What reading the way costs beside reading the message.
fn ways(folder: &str) {
    let mut paths = Vec::new();
    files(std::path::Path::new(folder), &mut paths);
    let messages: Vec<Vec<u8>> = paths.iter().map(|path| std::fs::read(path).unwrap()).collect();
    let mut scratch = Scratch::default();
    let (settings, start) = (Settings::default(), Instant::now());
    let (mut way, mut hops, mut found) = (std::time::Duration::ZERO, 0, 0);
    for message in &messages {
        derive(message, &mut scratch, &mut |seen| {
            let start = Instant::now();
            let mail = Mail { message: seen.message, header: seen.header, facts: &seen.facts };
            found += chain(&mail, &settings).findings.len();
            hops += seen.facts.hops.len();
            way += start.elapsed();
        });
    }
    let (all, way) = (start.elapsed().as_secs_f64(), way.as_secs_f64());
    println!(
        "{} files, {hops} hops, {found} findings: {all:.3} s, of that {way:.3} s for ways",
        messages.len()
    );
}

fn main() {
    if let Some(folder) = std::env::args().skip(1).find(|arg| !arg.starts_with('-')) {
        return ways(&folder);
    }
    let folder = std::env::var_os("MAILTRAIL_BENCH_INDEX")
        .map_or_else(|| std::env::temp_dir().join("mailtrail-bench-hops"), Into::into);
    if !folder.join("meta.json").exists() {
        std::fs::create_dir_all(&folder).unwrap();
        make(&folder);
    }
    let time = |what: &str, ask: &dyn Fn(&IndexReader) -> u64| {
        let start = Instant::now();
        let reader = IndexReader::open(&folder).unwrap();
        let found = ask(&reader);
        println!("{what}: {found} items, {:.1} ms", start.elapsed().as_secs_f64() * 1000.0);
    };
    let find = |r: &IndexReader, lookups: &[Lookup]| r.find_hops(lookups).unwrap();
    time("open and count hops", &|r| r.all_hops().unwrap().len());
    time("hop{ip:10.1.0.0/16 by:d77.example}", &|r| {
        let hops = find(r, &[network("10.1.0.0", "10.1.255.255")]).and(&find(r, &[host(By, "d77.example")]));
        r.with_hops(&hops).unwrap().len()
    });
    time("hop{ip:10.0.0.0/8 NOT by:d77.example}", &|r| {
        let by = find(r, &[host(By, "d77.example")]).complement();
        r.with_hops(&find(r, &[network("10.0.0.0", "10.255.255.255")]).and(&by)).unwrap().len()
    });
    time("hop[-1].by:example", &|r| {
        r.with_hops(&find(r, &[host(By, "example")]).and(&r.hops_at(-1).unwrap())).unwrap().len()
    });
    time("hop.time", &|r| {
        r.with_hops(&r.hops_dated(Some(UtcMs(1_700_000_000_000)), Some(UtcMs(1_701_000_000_000))).unwrap())
            .unwrap()
            .len()
    });
    time("hopdelay", &|r| r.with_hops(&r.hops_delayed(Some(9_000), None).unwrap()).unwrap().len());
    for (what, names) in [
        ("d77.example -> *", ["d77.example"].as_slice()),
        ("example -> * -> example", &["example", "example"]),
    ] {
        time(&format!("path * -> {what}"), &|r| {
            let mut stops = vec![Stop::Many];
            for name in names {
                stops.push(Stop::At {
                    server: find(r, &[host(By, name)]),
                    client: find(r, &[host(Helo, name)]),
                    seen: find(r, &[]),
                });
                stops.push(Stop::Many);
            }
            r.routed(&stops).unwrap().len()
        });
    }
}
