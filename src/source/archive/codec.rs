//! Compressed streams: gzip, bzip2, xz and zstd, each with several members or frames one after the other.

use std::io::{self, BufReader, Read};

/// Memory that an xz stream may ask for, in bytes; `xz -9` asks for 65 MiB.
const XZ_MEMORY: u64 = 128 << 20;

/// Largest window of a zstd frame, as a power of two: what `zstd -d` takes without being told more.
const ZSTD_WINDOW: u32 = 27;

/// A reader of what a compressed stream unpacks to.
///
/// # Errors
/// What the unpacker says of its own set-up; damage in the stream is an error of the reader.
pub(super) fn unpack<'a>(packed: Box<dyn Read + 'a>, kind: &str) -> io::Result<Box<dyn Read + 'a>> {
    let packed = BufReader::with_capacity(128 * 1024, packed);
    Ok(match kind {
        "gzip" => Box::new(flate2::bufread::MultiGzDecoder::new(packed)),
        "bzip2" => Box::new(bzip2::bufread::MultiBzDecoder::new(packed)),
        "xz" => {
            let stream =
                liblzma::stream::Stream::new_stream_decoder(XZ_MEMORY, liblzma::stream::CONCATENATED);
            Box::new(liblzma::bufread::XzDecoder::new_stream(packed, stream.map_err(io::Error::other)?))
        }
        "zstd" => {
            let mut decoder = zstd::stream::read::Decoder::with_buffer(packed)?;
            decoder.window_log_max(ZSTD_WINDOW)?;
            Box::new(decoder)
        }
        _ => return Err(io::ErrorKind::Unsupported.into()),
    })
}

/// The name of the one file inside: the outer name without the suffix that the packer added.
pub(super) fn inner_name(outer: &[u8]) -> Vec<u8> {
    const SUFFIXES: [(&[u8], &[u8]); 12] = [
        (b".tgz", b".tar"),
        (b".tbz2", b".tar"),
        (b".tbz", b".tar"),
        (b".txz", b".tar"),
        (b".tzst", b".tar"),
        (b".gz", b""),
        (b".bz2", b""),
        (b".bz", b""),
        (b".xz", b""),
        (b".zst", b""),
        (b".zstd", b""),
        (b".z", b""),
    ];
    for (suffix, instead) in SUFFIXES {
        let Some((stem, tail)) = outer.split_at_checked(outer.len().saturating_sub(suffix.len())) else {
            continue;
        };
        if !stem.is_empty() && tail.eq_ignore_ascii_case(suffix) {
            return [stem, instead].concat();
        }
    }
    outer.to_vec()
}
