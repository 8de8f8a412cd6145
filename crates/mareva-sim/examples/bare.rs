fn main() {
    let n: u64 = std::env::args().nth(1).unwrap().parse().unwrap();
    let config = mareva_sim::SimConfig::new(1, n);
    if std::env::args().nth(2).is_some() { mareva_sim::reference(&config); return; }
    println!("{}", mareva_sim::records(&config).map(|r| r.json.len() as u64).sum::<u64>());
}
