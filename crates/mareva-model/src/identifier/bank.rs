//! BIC and telephone numbers.

use super::trimmed;

/// Digits of a telephone number behind its `+` (E.164): fewer than eight reach nobody abroad.
pub(super) const MIN_PHONE: usize = 8;
pub(super) const MAX_PHONE: usize = 15;
/// Behind an opening parenthesis: a zero that is not dialled from abroad.
pub(super) const TRUNK_ZERO: &[u8] = b"0)";

/// ISO 3166 alpha-2 codes and XK, which SWIFT uses for Kosovo. Only bare text is held against it, because any word of 8 letters
/// would pass for a BIC otherwise.
const COUNTRIES: &str = "AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT BV BW BY \
BZ CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH ER ES ET FI FJ FK FM FO FR GA \
GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IR IS IT JE JM JO JP KE KG KH \
KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO MP MQ MR MS MT MU MV MW MX MY \
MZ NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PW PY QA RE RO RS RU RW SA SB SC SD SE SG SH \
SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF TG TH TJ TK TL TM TN TO TR TT TV TW TZ UA UG UM US UY UZ VA VC VE VG VI \
VN VU WF WS XK YE YT ZA ZM ZW";

/// The canonical `bic:…` of 11 characters, or `None`.
pub fn bic(text: &str) -> Option<String> {
    let mut out = String::new();
    write_bic(&mut out, text).then_some(out)
}

/// The canonical `phone:+…` of an international number, or `None`. Spaces, hyphens, points, slashes and parentheses are
/// dropped, `00` is read as `+`, and `(0)` is the zero that is dialled within the country only.
pub fn phone(text: &str) -> Option<String> {
    let mut out = String::new();
    write_phone(&mut out, text).then_some(out)
}

/// Whether `bytes` is a BIC as banks print it: upper case, with a country that exists.
pub(super) fn is_plain_bic(bytes: &[u8]) -> bool {
    let country = bytes.get(4..6).and_then(|code| std::str::from_utf8(code).ok());
    bytes[..4].iter().all(u8::is_ascii_uppercase)
        && !bytes.iter().any(u8::is_ascii_lowercase)
        && country.is_some_and(|code| COUNTRIES.split(' ').any(|known| known == code))
}

/// Appends `bic:` and 11 characters when `text` is a BIC (ISO 9362: 8 or 11 characters).
pub fn write_bic(out: &mut String, text: &str) -> bool {
    let text = strip_scheme(trimmed(text), "bic:");
    if !is_bic(text.as_bytes()) {
        return false;
    }
    let start = out.len();
    out.push_str("bic:");
    out.push_str(text);
    out[start + "bic:".len()..].make_ascii_uppercase();
    if text.len() == 8 {
        out.push_str("XXX");
    }
    true
}

/// Whether the format is that of ISO 20022 `AnyBICDec2014Identifier`, in any case.
pub(super) fn is_bic(bytes: &[u8]) -> bool {
    matches!(bytes.len(), 8 | 11)
        && bytes.iter().all(u8::is_ascii_alphanumeric)
        && bytes[4..6].iter().all(u8::is_ascii_alphabetic)
}

pub(super) fn strip_scheme<'a>(text: &'a str, scheme: &str) -> &'a str {
    match text.as_bytes().get(..scheme.len()) {
        Some(start) if start.eq_ignore_ascii_case(scheme.as_bytes()) => text[scheme.len()..].trim_start(),
        _ => text,
    }
}

/// Appends `phone:+…` for 8 to 15 digits behind `+` or `00`.
pub(super) fn write_phone(out: &mut String, text: &str) -> bool {
    let text = strip_scheme(text.trim(), "phone:");
    let Some(number) = text.strip_prefix('+').or_else(|| text.strip_prefix("00")) else {
        return false;
    };
    let mut digits = [0_u8; MAX_PHONE];
    let (mut length, mut at) = (0, 0);
    let bytes = number.as_bytes();
    while let Some(&byte) = bytes.get(at) {
        at += 1;
        match byte {
            b'0'..=b'9' if length < digits.len() => {
                digits[length] = byte;
                length += 1;
            }
            b'(' if bytes[at..].starts_with(TRUNK_ZERO) => at += TRUNK_ZERO.len(),
            b' ' | b'-' | b'.' | b'/' | b'(' | b')' => {}
            _ => return false,
        }
    }
    if length < MIN_PHONE || digits[0] == b'0' {
        return false;
    }
    out.push_str("phone:+");
    out.extend(digits[..length].iter().map(|&digit| char::from(digit)));
    true
}
