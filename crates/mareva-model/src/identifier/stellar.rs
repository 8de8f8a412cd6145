//! Stellar addresses in strkey form (SEP-23).

/// Appends `xlm:G…`; a muxed address (`M…`) becomes its account and the id as tag.
pub(super) fn write_stellar(out: &mut String, text: &str) -> bool {
    let mut decoded = [0_u8; 43];
    let Some(length) = decode(text, &mut decoded) else {
        return false;
    };
    let (payload, checksum) = decoded[..length].split_at(length - 2);
    if crc16(payload).to_le_bytes() != *checksum {
        return false;
    }
    match (payload[0], payload.len()) {
        (0x30, 33) => {
            out.push_str("xlm:");
            out.push_str(text);
        }
        (0x60, 41) => {
            let mut id = [0_u8; 8];
            id.copy_from_slice(&payload[33..]);
            let mut account = [0_u8; 35];
            account[0] = 0x30;
            account[1..33].copy_from_slice(&payload[1..33]);
            let checksum = crc16(&account[..33]);
            account[33..].copy_from_slice(&checksum.to_le_bytes());
            out.push_str("xlm:");
            encode(&account, out);
            out.push('#');
            out.push_str(&u64::from_be_bytes(id).to_string());
        }
        _ => return false,
    }
    true
}

const BASE32: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

fn decode(text: &str, out: &mut [u8; 43]) -> Option<usize> {
    let (mut held, mut bits, mut length) = (0_u32, 0, 0);
    for byte in text.bytes() {
        held = held << 5 | BASE32.iter().position(|c| *c == byte)? as u32;
        bits += 5;
        if bits >= 8 {
            bits -= 8;
            *out.get_mut(length)? = (held >> bits) as u8;
            length += 1;
            held &= (1 << bits) - 1;
        }
    }
    // Unused bits must be zero, else two texts would name one account.
    (held == 0 && bits < 5).then_some(length)
}

fn encode(bytes: &[u8; 35], out: &mut String) {
    let (mut held, mut bits) = (0_u32, 0);
    for byte in bytes {
        held = held << 8 | u32::from(*byte);
        bits += 8;
        while bits >= 5 {
            bits -= 5;
            out.push(char::from(BASE32[(held >> bits & 0x1f) as usize]));
        }
        held &= (1 << bits) - 1;
    }
}

/// CRC-16/XMODEM.
fn crc16(bytes: &[u8]) -> u16 {
    bytes.iter().fold(0_u16, |crc, byte| {
        (0..8).fold(crc ^ u16::from(*byte) << 8, |crc, _| if crc & 0x8000 == 0 { crc << 1 } else { crc << 1 ^ 0x1021 })
    })
}
