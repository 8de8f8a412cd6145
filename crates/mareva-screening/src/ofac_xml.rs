//! OFAC's `sdn.xml` and `consolidated.xml`.

use mareva_model::AliasQuality;
use mareva_model::identifier;

use crate::country::code_or_text;
use crate::entry::{add_new, joined};
use crate::official::{XmlFormat, add_birth_date};
use crate::remarks::{ADDRESS, address};
use crate::xml::Element;
use crate::{DateOrder, Document, Entry, EntryKind, ListedName, LoadCounts};

pub(crate) const FORMAT: XmlFormat = XmlFormat {
    root: "sdnList",
    // Within an element that really is called `publshInformation`.
    published: "Publish_Date",
    dates: DateOrder::MonthFirst,
    count: Some("Record_Count"),
    entries: &["sdnEntry"],
    id: "uid",
    entry,
};

fn entry(element: &Element, counts: &mut LoadCounts) -> Entry {
    let text = |name| element.text_of(name).map(str::to_owned);
    let kind = match element.text_of("sdnType") {
        Some("Individual") => EntryKind::Person,
        Some("Vessel") => EntryKind::Vessel,
        Some("Aircraft") => EntryKind::Aircraft,
        _ => EntryKind::Organisation,
    };
    let programmes: Vec<&str> = element.children("programList").flat_map(|all| all.texts("program")).collect();
    let mut entry = Entry {
        id: text("uid").unwrap_or_default(),
        kind,
        programme: joined(&programmes),
        reason: text("title"),
        ..Entry::default()
    };
    entry.names.extend(name(element, AliasQuality::Primary));
    for alias in items(element, "akaList", "aka") {
        let is_weak = alias.text_of("category").is_some_and(|text| text.eq_ignore_ascii_case("weak"));
        let quality = if is_weak { AliasQuality::Weak } else { AliasQuality::Strong };
        add_new(&mut entry.names, name(alias, quality).into_iter().collect());
    }
    for (list, item) in
        [("addressList", "address"), ("nationalityList", "nationality"), ("citizenshipList", "citizenship")]
    {
        let countries = items(element, list, item).filter_map(|one| one.text_of("country"));
        add_new(&mut entry.countries, countries.filter(|text| *text != "undetermined").map(code_or_text).collect());
    }
    let flags = element.children("vesselInfo").flat_map(|vessel| vessel.texts("vesselFlag"));
    add_new(&mut entry.countries, flags.map(code_or_text).collect());
    for date in items(element, "dateOfBirthList", "dateOfBirthItem").filter_map(|one| one.text_of("dateOfBirth")) {
        add_birth_date(&mut entry, date, counts);
    }
    for id in items(element, "idList", "id") {
        add_id(&mut entry, id, counts);
    }
    entry
}

fn items<'e>(element: &'e Element, list: &'e str, item: &'e str) -> impl Iterator<Item = &'e Element> {
    element.children(list).flat_map(move |all| all.children(item))
}

/// `LAST, First`, as the CSV files have it.
fn name(element: &Element, quality: AliasQuality) -> Option<ListedName> {
    let parts: Vec<&str> = ["lastName", "firstName"].into_iter().filter_map(|part| element.text_of(part)).collect();
    (!parts.is_empty()).then(|| ListedName { text: parts.join(", "), quality })
}

/// Addresses of digital currencies are told by the beginning of their kind: new ones come with every programme.
fn add_id(entry: &mut Entry, id: &Element, counts: &mut LoadCounts) {
    let (Some(kind), Some(number)) = (id.text_of("idType"), id.text_of("idNumber")) else { return };
    if let Some(ticker) = kind.strip_prefix(ADDRESS) {
        counts.address_mentions += 1;
        return add_new(&mut entry.identifiers, address(ticker, number));
    }
    if let Some(bic) = identifier::recognise(number).filter(|_| kind.contains("BIC")) {
        return add_new(&mut entry.identifiers, vec![bic]);
    }
    let country = id.text_of("idCountry").map(code_or_text);
    add_new(&mut entry.documents, vec![Document { kind: kind.to_owned(), number: number.to_owned(), country }]);
}
