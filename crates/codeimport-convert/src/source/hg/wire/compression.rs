//! How a server packs a long answer. Its media type tells.
//!
//! ```text
//!   application/mercurial-0.1   zlib
//!   application/mercurial-0.2   length of a name, the name, the answer packed in that way
//! ```

use std::io::{self, BufRead, Read};

/// The forms that we read, as servers want to be told.
pub(super) const FORMS: &str = "0.1 0.2 comp=zlib,none";

/// The answer as it was before it was packed.
pub(super) fn unpack(media_type: &str, mut packed: impl BufRead + 'static) -> io::Result<Box<dyn Read>> {
    if !media_type.starts_with("application/mercurial-0.2") {
        return Ok(Box::new(flate2::bufread::ZlibDecoder::new(packed)));
    }
    let mut len = [0];
    packed.read_exact(&mut len)?;
    let mut name = vec![0; len[0].into()];
    packed.read_exact(&mut name)?;
    match name.as_slice() {
        b"zlib" => Ok(Box::new(flate2::bufread::ZlibDecoder::new(packed))),
        b"none" => Ok(Box::new(packed)),
        _ => Err(io::Error::other(format!("packed as {:?}, which was not asked for", String::from_utf8_lossy(&name)))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write as _;

    #[test]
    fn each_form_gives_the_same_answer() {
        let mut zlib = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
        zlib.write_all(b"answer").expect("memory");
        let zlib = zlib.finish().expect("memory");
        let framed =
            |name: &str, bytes: &[u8]| [&[u8::try_from(name.len()).expect("short")], name.as_bytes(), bytes].concat();
        let cases = [
            ("application/mercurial-0.1", zlib.clone()),
            ("application/mercurial-0.2", framed("zlib", &zlib)),
            ("application/mercurial-0.2", framed("none", b"answer")),
        ];
        for (media_type, packed) in cases {
            let mut text = String::new();
            unpack(media_type, io::Cursor::new(packed)).expect("known").read_to_string(&mut text).expect("whole");
            assert_eq!(text, "answer");
        }
        assert!(unpack("application/mercurial-0.2", io::Cursor::new(framed("odd", b""))).is_err());
    }
}
