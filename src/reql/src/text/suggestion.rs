//! What a misspelt name was probably meant to be.

/// The candidate nearest to a name, if one is near.
pub(super) fn nearest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let wanted: Vec<char> = name.to_lowercase().chars().take(NAME_CHARACTERS_MAX).collect();
    let near = candidates.into_iter().map(|candidate| (distance(&wanted, candidate), candidate));
    let (changes, candidate) = near.min_by_key(|(changes, _)| *changes)?;
    (changes <= 1 + wanted.len() / 4).then_some(candidate)
}

/// ` Did you mean `x`?`, or nothing.
pub(super) fn did_you_mean<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> String {
    nearest(name, candidates).map(|near| format!(" Did you mean `{near}`?")).unwrap_or_default()
}

/// No name of the language is longer; what follows cannot make a longer one any nearer.
const NAME_CHARACTERS_MAX: usize = 40;

/// How many characters have to be inserted, removed, replaced or swapped with their neighbour
/// (Damerau and Levenshtein's distance, restricted to one edit per place).
fn distance(wanted: &[char], candidate: &str) -> usize {
    let candidate: Vec<char> = candidate.to_lowercase().chars().collect();
    let mut before_last = vec![0; candidate.len() + 1];
    let mut last: Vec<usize> = (0..=candidate.len()).collect();
    for (row, left) in wanted.iter().enumerate() {
        let mut current = vec![row + 1];
        for (column, right) in candidate.iter().enumerate() {
            let replaced = last[column] + usize::from(left != right);
            let mut least = replaced.min(last[column + 1] + 1).min(current[column] + 1);
            if row > 0 && column > 0 && *left == candidate[column - 1] && wanted[row - 1] == *right {
                least = least.min(before_last[column - 1] + 1);
            }
            current.push(least);
        }
        before_last = std::mem::replace(&mut last, current);
    }
    last[candidate.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_names_are_found() {
        let names = ["filter", "table", "tableCreate", "getAll"];
        assert_eq!(nearest("flter", names), Some("filter"));
        assert_eq!(nearest("getall", names), Some("getAll"));
        assert_eq!(nearest("tabel", names), Some("table"));
        assert_eq!(nearest("xyzzy", names), None);
        assert_eq!(nearest(&"x".repeat(100_000), names), None);
    }
}
