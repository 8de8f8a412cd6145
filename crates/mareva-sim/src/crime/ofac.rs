use super::SanctionsList;
use super::listed::Entry;
use crate::identifiers::eip55;
use crate::world::{Chain, WalletId, World};

/// Characters of a remark that `sdn.csv` holds; the rest stands in `sdn_comments.csv`.
const REMARK_LENGTH: usize = 1_000;

/// How the list writes "no value".
const NULL: &str = "-0- ";

/// The files of the list in the form in which OFAC publishes it: no header, CRLF, `-0- ` for nothing, remarks cut at 1,000
/// characters, 0x1A at the end of all but the comments.
pub(crate) fn sanctions_files(world: &World, list: &SanctionsList) -> Vec<(&'static str, Vec<u8>)> {
    let mut files = [String::new(), String::new(), String::new(), String::new()];
    for (at, entry) in list.entries.iter().enumerate() {
        let [sdn, alt, add, comments] = &mut files;
        let remarks = remarks(world, entry);
        let cut = remarks.len().min(REMARK_LENGTH);
        let kind = if entry.kind == "entity" { NULL.to_owned() } else { quoted(entry.kind) };
        let title = entry.title.map_or_else(|| NULL.to_owned(), quoted);
        let vessel = if entry.kind == "vessel" {
            format!("\"8QZK{}\",\"Bulk Carrier\",-0- ,-0- ,\"Palau\",-0- ", at % 10)
        } else {
            [NULL; 6].join(",")
        };
        let (number, name) = (entry.number, quoted(entry.name));
        let programme = quoted(entry.programme);
        let remark = quoted(&remarks[..cut]);
        sdn.push_str(&format!("{number},{name},{kind},{programme},{title},{vessel},{remark}\r\n"));
        if cut < remarks.len() {
            comments.push_str(&format!("{number},{}\r\n", quoted(&remarks[cut..])));
        }
        alt.push_str(&format!("{number},{},\"aka\",{},{NULL}\r\n", 70_001 + at, quoted(entry.alias)));
        let town = entry.town.map_or_else(|| NULL.to_owned(), quoted);
        add.push_str(&format!("{number},{},{NULL},{town},{},{NULL}\r\n", 80_001 + at, quoted(entry.country)));
    }
    for file in &mut files[..3] {
        file.push('\u{1a}');
    }
    let [sdn, alt, add, comments] = files;
    vec![
        ("sdn.csv", sdn.into_bytes()),
        ("alt.csv", alt.into_bytes()),
        ("add.csv", add.into_bytes()),
        ("sdn_comments.csv", comments.into_bytes()),
    ]
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('"', "\"\""))
}

/// The remark of an entry. Where it is too long, a filler puts the cut in the middle of an address, as it happens in the
/// official files.
fn remarks(world: &World, entry: &Entry) -> String {
    let plain = remark(world, entry, 0);
    if plain.len() <= REMARK_LENGTH {
        return plain;
    }
    let inside = |text: &String| {
        let near = text.as_bytes().get(REMARK_LENGTH - 8..REMARK_LENGTH + 8);
        near.is_some_and(|bytes| bytes.iter().all(u8::is_ascii_alphanumeric))
    };
    (0..120).map(|filler| remark(world, entry, filler)).find(inside).unwrap_or(plain)
}

fn remark(world: &World, entry: &Entry, filler: usize) -> String {
    let mut parts = Vec::new();
    if let Some(birth) = entry.birth {
        parts.push(format!("DOB {birth}"));
        let town = entry.town.unwrap_or("unknown");
        parts.push(format!("POB {town}, {0}; nationality {0}; Gender Male", entry.country));
    } else if entry.kind == "entity" {
        parts.push(format!("Website www.{}{}.example", "x".repeat(filler), entry.number));
    } else {
        parts.push(format!("Vessel Registration Identification IMO {}", 9_000_000 + entry.number));
    }
    for (at, wallet) in entry.wallets.iter().enumerate() {
        let alt = if at == 0 { "" } else { "alt. " };
        let (ticker, address) = address(world, *wallet);
        parts.push(format!("{alt}Digital Currency Address - {ticker} {address}"));
    }
    if let Some(weak) = entry.weak_alias {
        parts.push(format!("a.k.a. '{weak}'"));
    }
    parts.join("; ") + "."
}

fn address(world: &World, wallet: WalletId) -> (&'static str, String) {
    let wallet = world.wallet(wallet);
    match wallet.chain {
        Chain::Tron => ("USDT", wallet.address.to_string()),
        Chain::Evm => ("ETH", eip55(&wallet.address)),
        Chain::Bitcoin => ("XBT", wallet.address.to_string()),
    }
}
