//! Words to token ids, with CLIP's own vocabulary.

use std::sync::OnceLock;

use instant_clip_tokenizer::{Token, Tokenizer};

/// The token before every text.
pub const START: u32 = 49406;
/// The token behind every text.
pub const END: u32 = 49407;

/// Ids of a text without start and end token. As in CLIP's code the text is unescaped twice (HTML), its white space
/// joined and its letters made small; broken encodings (CLIP: `ftfy`) are not repaired.
pub fn tokens(text: &str) -> Vec<u32> {
    static TOKENIZER: OnceLock<Tokenizer> = OnceLock::new();
    let text = unescape(&unescape(text));
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut ids = Vec::new();
    TOKENIZER.get_or_init(Tokenizer::new).encode(&text, &mut ids);
    ids.into_iter().map(|id: Token| u32::from(id.to_u16())).collect()
}

/// `START`, the text's tokens, `END`, zeros up to `length`; a text that is too long is cut.
pub fn sentence(text: &str, length: usize) -> Vec<u32> {
    let inner = tokens(text).into_iter().take(length.saturating_sub(2));
    let mut row: Vec<u32> = std::iter::once(START).chain(inner).chain([END]).collect();
    row.resize(length.max(2), 0);
    row
}

/// The named characters that turn up in captions, and numbered ones.
fn unescape(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(begin) = rest.find('&') {
        plain.push_str(&rest[..begin]);
        rest = &rest[begin..];
        let escape = rest.find(';').and_then(|end| Some((end, character(&rest[1..end])?)));
        if let Some((end, character)) = escape {
            plain.push(character);
            rest = &rest[end + 1..];
        } else {
            plain.push('&');
            rest = &rest[1..];
        }
    }
    plain + rest
}

fn character(name: &str) -> Option<char> {
    match name {
        "amp" => Some('&'),
        "lt" => Some('<'),
        "gt" => Some('>'),
        "quot" => Some('"'),
        "apos" => Some('\''),
        "nbsp" => Some('\u{a0}'),
        _ => {
            let number = name.strip_prefix('#')?;
            let code = match number.strip_prefix(['x', 'X']) {
                Some(hexadecimal) => u32::from_str_radix(hexadecimal, 16),
                None => number.parse(),
            };
            char::from_u32(code.ok()?)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_three_words_of_the_prompts_are_one_token_each() {
        assert_eq!(tokens("terrible"), [9741]);
        assert_eq!(tokens("mediocre"), [41170]);
        assert_eq!(tokens("excellent"), [4239]);
    }

    #[test]
    fn a_sentence_is_framed_filled_and_cut() {
        assert_eq!(sentence("a photo", 6), [START, 320, 1125, END, 0, 0]);
        assert_eq!(sentence("a photo", 3), [START, 320, END]);
        assert_eq!(sentence("", 3), [START, END, 0]);
    }

    #[test]
    fn escapes_are_undone_and_others_left() {
        assert_eq!(
            unescape("a &lt;b&gt; &amp;amp; &#65;&#x42; &what; & c"),
            "a <b> &amp; AB &what; & c"
        );
    }
}
