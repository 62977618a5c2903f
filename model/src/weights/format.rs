//! What a file is, by its first bytes: one of the formats of weights, or something else that goes by their name.

use super::pytorch;

/// So many bytes tell.
pub const HEAD: usize = 512;

/// How weights are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    Safetensors,
    /// By `torch.save`, or a TorchScript archive.
    Pytorch,
}

/// The format of a file that begins so; for a file of none, what it is instead.
pub fn recognise(head: &[u8]) -> Result<Format, &'static str> {
    if head.starts_with(pytorch::ZIP) || head.starts_with(pytorch::MAGIC) {
        return Ok(Format::Pytorch);
    }
    // The length of a header of JSON, and the header.
    if head.get(8) == Some(&b'{') {
        return Ok(Format::Safetensors);
    }
    Err(instead(head))
}

fn instead(head: &[u8]) -> &'static str {
    let begins = |begin: &[u8]| head.starts_with(begin);
    let text = head.trim_ascii_start().to_ascii_lowercase();
    if head.is_empty() {
        "is empty"
    } else if text.starts_with(b"<!doctype") || text.starts_with(b"<html") || text.starts_with(b"<?xml") {
        "is a web page: the address led to a page about the file, or to an error"
    } else if begins(b"version https://git-lfs") {
        "is a Git LFS pointer: the file itself is still to be fetched (`git lfs pull`)"
    } else if begins(b"\xff\xd8\xff") || begins(b"\x89PNG") || begins(b"GIF8") || begins(b"BM") || begins(b"II*\0") {
        "is a picture"
    } else if begins(b"\x1f\x8b") || begins(b"\x28\xb5\x2f\xfd") || begins(b"7z\xbc\xaf") || begins(b"Rar!") {
        "is compressed: unpack it first"
    } else if begins(b"PK") {
        "is an empty or cut zip archive"
    } else if head.get(257..262) == Some(b"ustar") {
        "is a tar archive: unpack it first"
    } else if begins(b"\x89HDF") {
        "is an HDF5 file (Keras?)"
    } else if begins(b"GGUF") || begins(b"\x08\x07") || begins(b"\x08\x08") {
        "is a network for other programs (GGUF, ONNX)"
    } else if begins(b"%PDF") {
        "is a PDF"
    } else if head[0] == 0x80 && head.get(1).is_some_and(|protocol| *protocol <= 5) {
        "is a Python pickle, but not one that torch.save wrote"
    } else if text.starts_with(b"{") {
        "is JSON"
    } else if head
        .iter()
        .all(|byte| byte.is_ascii_graphic() || byte.is_ascii_whitespace())
    {
        "is a text"
    } else if head.len() < 9 {
        "is cut short"
    } else {
        "begins like no format of weights"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_checkpoint_is_called_what_it_is() {
        for (head, word) in [
            (&b""[..], "empty"),
            (b"\n <!DOCTYPE html><html>", "web page"),
            (b"version https://git-lfs.github.com/spec/v1\noid", "LFS"),
            (b"\xff\xd8\xff\xe0\x00\x10JFIF\x00", "picture"),
            (b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00", "compressed"),
            (b"\x80\x04\x95\x00\x00\x00\x00\x00\x00\x00\x00", "pickle"),
            (b"\x80\x02}q\x00", "pickle"),
            (b"these are not weights at all", "text"),
            (b"\x10\x00\x00", "cut short"),
            (b"{\"weights\": 1}", "JSON"),
        ] {
            assert!(recognise(head).unwrap_err().contains(word), "{head:?}");
        }
        assert_eq!(recognise(b"\x40\0\0\0\0\0\0\0{\"a\":"), Ok(Format::Safetensors));
        assert_eq!(recognise(b"PK\x03\x04"), Ok(Format::Pytorch));
    }
}
