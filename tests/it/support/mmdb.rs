//! Writes databases in the `MaxMind` DB format, version 2.0, small enough to read with the eyes.

use std::net::IpAddr;

/// A value of a record.
#[derive(Clone, Debug)]
pub(crate) enum Value {
    Text(&'static str),
    Small(u16),
    Number(u32),
    Large(u64),
    Map(Vec<(&'static str, Value)>),
    List(Vec<Value>),
}

fn head(out: &mut Vec<u8>, kind: u8, size: usize) {
    let (small, more) = match size {
        0..29 => (u8::try_from(size).unwrap(), None),
        _ => (29, Some(u8::try_from(size - 29).unwrap())),
    };
    if kind > 7 {
        out.extend([small, kind - 7]);
    } else {
        out.push(kind << 5 | small);
    }
    out.extend(more);
}

fn text(out: &mut Vec<u8>, text: &str) {
    head(out, 2, text.len());
    out.extend(text.bytes());
}

fn value(out: &mut Vec<u8>, this: &Value) {
    match this {
        Value::Text(this) => text(out, this),
        Value::Number(number) => {
            head(out, 6, 4);
            out.extend(number.to_be_bytes());
        }
        Value::Small(number) => {
            head(out, 5, 2);
            out.extend(number.to_be_bytes());
        }
        Value::Large(number) => {
            head(out, 9, 8);
            out.extend(number.to_be_bytes());
        }
        Value::Map(pairs) => {
            head(out, 7, pairs.len());
            for (key, inner) in pairs {
                text(out, key);
                value(out, inner);
            }
        }
        Value::List(list) => {
            head(out, 11, list.len());
            for inner in list {
                value(out, inner);
            }
        }
    }
}

/// A database of `kind`, built at `built` seconds since 1970, that says of each network what stands beside it.
pub(crate) fn mmdb(kind: &'static str, built: u64, networks: &[(&str, Value)]) -> Vec<u8> {
    // Nodes of two records; `None` has no data, `Err` is an offset into the data, `Ok` a node.
    let mut nodes: Vec<[Option<Result<usize, usize>>; 2]> = vec![[None; 2]];
    let mut data = Vec::new();
    for (network, record) in networks {
        let (address, bits) = network.split_once('/').unwrap();
        let (number, bits): (u128, u32) = match address.parse().unwrap() {
            IpAddr::V4(four) => (u128::from(u32::from(four)), bits.parse::<u32>().unwrap() + 96),
            IpAddr::V6(six) => (u128::from(six), bits.parse().unwrap()),
        };
        let offset = data.len();
        value(&mut data, record);
        let mut node = 0;
        for depth in 0..bits {
            let side = usize::from(number >> (127 - depth) & 1 == 1);
            if depth + 1 == bits {
                nodes[node][side] = Some(Err(offset));
            } else if let Some(Ok(next)) = nodes[node][side] {
                node = next;
            } else {
                nodes.push([None; 2]);
                nodes[node][side] = Some(Ok(nodes.len() - 1));
                node = nodes.len() - 1;
            }
        }
    }
    let mut out = Vec::new();
    for record in nodes.iter().flatten() {
        let number = match record {
            None => nodes.len(),
            Some(Ok(node)) => *node,
            Some(Err(offset)) => nodes.len() + 16 + offset,
        };
        out.extend(&u32::try_from(number).unwrap().to_be_bytes()[1..]);
    }
    out.extend([0; 16]);
    out.extend(data);
    out.extend(b"\xab\xcd\xefMaxMind.com");
    let about = Value::Map(vec![
        ("binary_format_major_version", Value::Small(2)),
        ("binary_format_minor_version", Value::Small(0)),
        ("build_epoch", Value::Large(built)),
        ("database_type", Value::Text(kind)),
        ("description", Value::Map(vec![("en", Value::Text("made for a test"))])),
        ("ip_version", Value::Small(6)),
        ("languages", Value::List(vec![Value::Text("en")])),
        ("node_count", Value::Number(u32::try_from(nodes.len()).unwrap())),
        ("record_size", Value::Small(24)),
    ]);
    value(&mut out, &about);
    out
}
