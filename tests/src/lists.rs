//! Lists that tests publish.

use std::fmt::Write as _;

/// A list of the UN with so many persons, generated on a day such as `2026-01-31`.
pub fn un_list(day: &str, persons: usize) -> String {
    let mut text = format!("<CONSOLIDATED_LIST dateGenerated=\"{day}T10:00:00Z\"><INDIVIDUALS>");
    for number in 0..persons {
        let _ = write!(
            text,
            "<INDIVIDUAL><DATAID>{number}</DATAID><FIRST_NAME>NUMBER</FIRST_NAME><SECOND_NAME>PERSON{number}</SECOND_NAME>\
             <REFERENCE_NUMBER>QDi.{number}</REFERENCE_NUMBER></INDIVIDUAL>"
        );
    }
    text + "</INDIVIDUALS><ENTITIES></ENTITIES></CONSOLIDATED_LIST>"
}
