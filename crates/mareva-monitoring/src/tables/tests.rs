use super::*;

#[test]
fn the_columns_of_every_table_are_documented() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../rules/README.md");
    let text = std::fs::read_to_string(path).unwrap();
    let section = text.split("## Tables").nth(1).and_then(|rest| rest.split("\n## ").next()).unwrap();
    let accounts = crate::accounts_schema();
    let tables = [Table::Transactions, Table::Movements, Table::Signals].map(schema_of);
    for schema in tables.iter().chain([&accounts]) {
        for field in schema.fields() {
            assert!(section.contains(&format!("`{}`", field.name())), "{} is not in rules/README.md", field.name());
        }
    }
}
