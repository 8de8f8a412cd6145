//! Messages between banks that are right.

/// ISO 20022, of each kind that is read.
pub const ISO20022: [&[u8]; 7] = [
    include_bytes!("../../crates/mareva-codec/examples-data/pacs008.xml"),
    include_bytes!("../../crates/mareva-codec/examples-data/pacs009.xml"),
    include_bytes!("../../crates/mareva-codec/examples-data/pacs004.xml"),
    include_bytes!("../../crates/mareva-codec/examples-data/pacs002.xml"),
    include_bytes!("../../crates/mareva-codec/examples-data/pain001.xml"),
    include_bytes!("../../crates/mareva-codec/examples-data/camt056.xml"),
    include_bytes!("../../crates/mareva-codec/examples-data/camt110.xml"),
];

/// SWIFT FIN.
pub const MT: [&[u8]; 3] = [
    include_bytes!("../../crates/mareva-codec/examples-data/mt103.txt"),
    include_bytes!("../../crates/mareva-codec/examples-data/mt202cov.txt"),
    include_bytes!("../../crates/mareva-codec/examples-data/mt192.txt"),
];
