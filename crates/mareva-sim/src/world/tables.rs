/// A kind of shop: pattern of its name, weight, least and most cents of a purchase, opening and closing hour, whether it takes
/// much cash, whether a payment service provider collects for it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Trade {
    pub(crate) pattern: &'static str,
    pub(crate) weight: u32,
    pub(crate) cents: (i64, i64),
    pub(crate) hours: (i64, i64),
    pub(crate) cash: bool,
    pub(crate) online: bool,
}

const fn trade(
    pattern: &'static str,
    weight: u32,
    cents: (i64, i64),
    hours: (i64, i64),
    cash: bool,
    online: bool,
) -> Trade {
    Trade { pattern, weight, cents, hours, cash, online }
}

pub(crate) const TRADES: [Trade; 10] = [
    trade("Markt {F} {T}", 30, (280, 14_000), (7, 21), true, false),
    trade("Bäckerei {F}", 14, (180, 1_900), (6, 17), true, false),
    trade("Gasthaus {F} {T}", 10, (900, 11_000), (11, 23), true, false),
    trade("Apotheke {T}", 5, (400, 7_500), (8, 19), false, false),
    trade("Tankstelle {F}", 8, (2_000, 11_000), (5, 22), false, false),
    trade("Verkehrsbetriebe {T}", 8, (280, 5_900), (5, 23), false, false),
    trade("Modehaus {F}", 5, (1_500, 22_000), (9, 20), true, false),
    trade("Elektro {F} {T}", 3, (2_000, 120_000), (9, 20), false, false),
    trade("{F} Online Store", 11, (900, 26_000), (7, 24), false, true),
    trade("{T} Streaming", 6, (499, 2_499), (0, 24), false, true),
];

/// Patterns of the names of employers.
pub(crate) const EMPLOYERS: [&str; 8] = [
    "{F} Maschinenbau GmbH",
    "Klinikum {T}",
    "{F} Logistik GmbH",
    "Stadtverwaltung {T}",
    "{F} & Partner Steuerberatung",
    "Autohaus {F} KG",
    "{F} Software GmbH",
    "Schulverband {T}",
];

/// Patterns of the names of those who send monthly bills.
pub(crate) const BILLERS: [&str; 8] = [
    "Stadtwerke {T}",
    "{F} Versicherung AG",
    "Telekom {T}",
    "Krankenkasse {T}",
    "Rundfunkservice {T}",
    "{F} Leasing GmbH",
    "Sportverein {T}",
    "Hausverwaltung {F}",
];
