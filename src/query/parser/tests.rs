//! Tests of `parser`.

use super::*;

fn shown(node: &Node) -> String {
    let list = |parts: &[Node], sign: &str| parts.iter().map(shown).collect::<Vec<_>>().join(sign);
    match &node.op {
        Op::All => "*".to_owned(),
        Op::And(parts) => format!("({})", list(parts, " & ")),
        Op::Or(parts) => format!("({})", list(parts, " | ")),
        Op::Xor(a, b) => format!("({} ^ {})", shown(a), shown(b)),
        Op::Not(inner) => format!("!{}", shown(inner)),
        Op::Near { left, right, distance, ordered, .. } => {
            format!("({} {}{distance} {})", shown(left), if *ordered { ">" } else { "~" }, shown(right))
        }
        Op::Term(t) => match t.form {
            Form::Fuzzy(n) => format!("{}={}~{n}", t.field.name, t.value),
            Form::Regex => format!("{}=/{}/", t.field.name, t.value),
            _ => format!("{}={}", t.field.name, t.value),
        },
        Op::Hops(place, inner) => {
            format!("hop{}<{}>", place.map(|p| p.to_string()).unwrap_or_default(), shown(inner))
        }
    }
}

#[track_caller]
fn check(text: &str, want: &str) {
    assert_eq!(shown(&parse(text, Language::Two).unwrap().node), want, "{text}");
}

#[test]
fn the_tree_follows_the_usual_binding() {
    check("", "*");
    check("a b OR c", "((text=a & text=b) | text=c)");
    check("a AND NOT (b OR -c)", "(text=a & !(text=b | !text=c))");
    check("from:(x OR y) z", "((from=x | from=y) & text=z)");
    check("TO:x", "to=x");
    check("*", "*");
    check("* a", "(* & text=a)");
    check("all", "text=all");
    check("\"*\"", "text=*");
    check("hop{by:x ip:y} a", "(hop<(hop.by=x & hop.ip=y)> & text=a)");
    check("hop[-1]{x OR -hop.with:(y z)}", "hop-1<(hop=x | !(hop.with=y & hop.with=z))>");
    check("hop[0].by:(x OR y) hop[2]:z", "(hop0<(hop.by=x | hop.by=y)> & hop2<hop=z>)");
    check("NOT hop{time:2024 delay:>1h}", "!hop<(hop.time=2024 & hopdelay=>1h)>");
    check("and or not", "(text=and & text=or & text=not)");
}

#[test]
fn operators_of_other_languages_have_their_place() {
    check("a XOR b c OR d", "((text=a ^ (text=b & text=c)) | text=d)");
    check("a NEAR/3 b c", "((text=a ~3 text=b) & text=c)");
    check("subject:(a PRE/2 (b OR c))", "(subject=a >2 (subject=b | subject=c))");
    check("NOT(a)OR(b)", "(!text=a | text=b)");
    check("{a from:b}", "(text=a | from=b)");
    check("invoice~1 subject:/FW/", "(text=invoice~1 & subject=/FW/)");
    check("between:a@x,b", "((sender=a@x & recipient=b) | (sender=b & recipient=a@x))");
    check("DE89 3704 0044 x", "(((text=DE89 & text=3704 & text=0044) | text=DE8937040044) & text=x)");
    check("2024 03", "(text=2024 & text=03)");
}

#[test]
fn in_language_1_a_bare_word_looks_everywhere() {
    assert_eq!(shown(&parse("a !b", Language::One).unwrap().node), "(any=a & any=!b)");
}

#[test]
fn a_node_knows_its_place() {
    let node = parse("x from:(a  b) y", Language::Two).unwrap().node;
    let Op::And(parts) = &node.op else { panic!("{node:?}") };
    let places: Vec<_> = parts.iter().map(|p| (p.at.from, p.at.to)).collect();
    assert_eq!((places, node.at.from, node.at.to), (vec![(0, 1), (2, 13), (14, 15)], 0, 15));
}

#[test]
fn a_mistake_is_told_with_its_column() {
    let check = |text: &str, column: usize, words: &str| {
        let error = parse(text, Language::Two).unwrap_err();
        assert_eq!(error.column, column, "{text}: {error}");
        assert!(error.to_string().contains(words), "{text}: {error}");
    };
    check("a form:b", 3, "from");
    check("a AND", 6, "missing");
    check("(a", 1, "not closed");
    check("a)", 2, "closed");
    check("from:", 1, "from");
    check("OR a", 1, "both sides");
    check("NEAR MISS", 1, "quotes");
    check("a OR AND b", 6, "both sides");
    check("hop{}", 5, "missing");
    check("x hop{by:a", 3, "brace");
    check("hop{by:a hop{by:b}}", 10, "inside");
    check("hop{subject:a}", 5, "subject");
    check("hop[x]{by:a}", 1, "number");
    check("hop[0].subject:a", 1, "subject");
    check("hop{(by:a}", 5, "not closed");
    check("hop{by:a)}", 9, "closed");
    check("invoice~", 1, "invoice~1");
    check("invoice~7", 1, "1 or 2");
    check("subject:[a TO b]", 9, "range");
    check("between:ann", 9, "comma");
    check("betreff:x", 1, "unknown field");
    check(&"(".repeat(5000), 101, "deep");
    check(&"-".repeat(5000), 101, "deep");
    check(&format!("a{}", " XOR b".repeat(5000)), 603, "deep");
    check(&format!("a{}", " NEAR b".repeat(5000)), 703, "deep");
    check(&"a ".repeat(100_001), 200_001, "--terms");
}

#[test]
fn an_error_shows_the_part_of_the_query_around_it() {
    let error = parse(&format!("{} form:b x", "a ".repeat(60)), Language::Two).unwrap_err();
    let (text, at) = &error.excerpt;
    assert!(text.get(*at..).is_some_and(|rest| rest.starts_with("form:b x")), "{error:?}");
    assert_eq!(error.width, 5);
}
