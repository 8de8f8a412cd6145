use super::*;

#[test]
fn times_round_trip_and_offsets_apply() {
    for (text, ms) in [
        ("1970-01-01T00:00:00Z", Ok(0)),
        ("1970-01-01", Ok(0)),
        ("2026-01-05T10:00:00.123Z", Ok(1_767_607_200_123)),
        ("2026-01-05T12:00:00.1239999+02:00", Ok(1_767_607_200_123)),
        ("2024-02-29T00:00:00", Ok(1_709_164_800_000)),
        ("2023-02-29T00:00:00Z", Err(TimeError::Syntax)),
        ("9999-12-31T23:59:59Z", Err(TimeError::Range)),
        ("1969-12-31T23:59:59Z", Err(TimeError::Range)),
        ("2026-01-05T10:00", Err(TimeError::Syntax)),
        ("2026-01-05T10:00:00+0200", Err(TimeError::Syntax)),
        ("é", Err(TimeError::Syntax)),
    ] {
        assert_eq!(parse_time(text), ms, "{text}");
    }
    for ms in [0, 1, 951_782_400_000, 1_767_607_200_123, END_MS - 1] {
        assert_eq!(parse_time(&format_time(ms)), Ok(ms));
    }
}
