use proptest::prelude::*;

use super::*;

proptest! {
    #[test]
    fn decodes_what_the_library_encodes(bytes in proptest::array::uniform25(any::<u8>()), zeros in 0_usize..25) {
        let mut bytes = bytes;
        bytes[..zeros].fill(0);
        let text = bs58::encode(bytes).into_string();
        prop_assert_eq!(decode::<25>(&text, &BITCOIN), Some(bytes));
        let text = bs58::encode(bytes).with_alphabet(bs58::Alphabet::RIPPLE).into_string();
        prop_assert_eq!(decode::<25>(&text, &RIPPLE), Some(bytes));
    }

    #[test]
    fn agrees_with_the_library_on_any_text(text in "[1-9A-HJ-NP-Za-km-z0OIl]{0,43}") {
        let library = bs58::decode(&text).into_vec().ok().and_then(|bytes| <[u8; 25]>::try_from(bytes).ok());
        prop_assert_eq!(decode::<25>(&text, &BITCOIN), library);
    }
}
