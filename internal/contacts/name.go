package contacts

import (
	"slices"
	"strings"
	"unicode"

	"github.com/rooftop-crm/rooftop/internal/platform/fold"
)

// deriveFullName makes the name to show of the parts that were given.
func (c *Contact) deriveFullName() string {
	if name := strings.TrimSpace(c.FirstName + " " + c.LastName); name != "" {
		return name
	}
	return c.CompanyName
}

// particles begin a last name that has several words. A last name made of nothing else is left as it is.
var particles = []string{
	"de", "du", "des", "d", "la", "le", "les", "l", "von", "van", "vom", "zu", "zum", "zur", "der", "den", "ter", "ten", "da",
	"dos", "das", "do", "di", "del", "della", "el", "al", "ben", "bin", "ibn", "abu", "saint", "st", "mac", "mc",
}

// splitName cuts a full name where its last name most likely begins: at the first particle after the first word, else
// at the last word. It serves comparison only: nothing that was guessed this way is stored.
func splitName(full string) (first, last string) {
	words := strings.Fields(full)
	if len(words) < 2 {
		return "", full
	}
	at := len(words) - 1
	for i := 1; i < len(words)-1; i++ {
		if slices.Contains(particles, fold.Text(strings.TrimRight(words[i], "'’."))) {
			at = i
			break
		}
	}
	return strings.Join(words[:at], " "), strings.Join(words[at:], " ")
}

// placeholders are what people, forms and portals write where a name is demanded and none is known.
var placeholders = []string{
	"unknown", "name", "noname", "lastname", "firstname", "surname", "empty", "blank", "null", "nil", "none", "na", "undefined", "anonymous",
	"customer", "client", "prospect", "visitor", "inconnu", "inconnue", "anonyme", "nom", "prenom", "sansnom",
	"nonrenseigne", "nonprecise", "nc", "x", "xx", "xxx", "xxxx",
}

// letters keeps of a folded text what names are told apart by.
func letters(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) {
			return r
		}
		return -1
	}, fold.Text(s))
}

// isPlaceholder tells whether the text stands for a name that nobody knows.
func isPlaceholder(s string) bool {
	key := letters(s)
	return key == "" || slices.Contains(placeholders, key)
}

// name is a person's name made ready for comparison.
type name struct {
	first string   // letters only
	last  string   // letters only, without particles
	words []string // of the last name, without particles
	all   []string // every word of the name, sorted: "DUPONT Jean" is "Jean Dupont"
}

func (n name) absent() bool { return len(n.all) == 0 }

// personName reads the name of a person. A placeholder counts as no name.
func (c *Contact) personName() name {
	first, last := c.FirstName, c.LastName
	if isPlaceholder(first) {
		first = ""
	}
	if isPlaceholder(last) {
		last = ""
	}
	if first == "" && last == "" {
		if isPlaceholder(c.FullName) || letters(c.FullName) == letters(c.CompanyName) {
			return name{}
		}
		first, last = splitName(c.FullName)
		if isPlaceholder(first) && isPlaceholder(last) { // "Unknown Unknown"
			return name{}
		}
	}
	n := name{first: letters(first), words: nameWords(last)}
	n.last = strings.Join(n.words, "")
	n.all = append(append([]string{}, nameWords(first)...), n.words...)
	slices.Sort(n.all)
	return n
}

// nameWords cuts a name into folded words and drops the particles, which are written or left out at will.
func nameWords(s string) []string {
	words := strings.FieldsFunc(fold.Text(s), func(r rune) bool { return !unicode.IsLetter(r) })
	kept := slices.DeleteFunc(slices.Clone(words), func(w string) bool { return slices.Contains(particles, w) })
	if len(kept) == 0 {
		return words
	}
	return kept
}

// sameLast also takes "Dupont" and "Dupont-Legrand" for one last name: people marry.
func (n name) sameLast(o name) bool {
	if n.last == "" || o.last == "" {
		return false
	}
	return n.last == o.last || containsAll(n.words, o.words) || containsAll(o.words, n.words)
}

// partOf tells that the other name says all that this one says.
func (n name) partOf(o name) bool { return containsAll(o.all, n.all) }

func containsAll(words, of []string) bool {
	for _, w := range of {
		if !slices.Contains(words, w) {
			return false
		}
	}
	return len(of) > 0
}

// startsAlike compares the first three letters, or the initial where only that is known.
func startsAlike(a, b string) bool {
	const compared = 3
	x, y := []rune(a), []rune(b)
	n := min(len(x), len(y), compared)
	return n > 0 && slices.Equal(x[:n], y[:n]) && (n == compared || n == 1 || a == b)
}

// almostSame tells whether two first names differ by a slip of the pen: less than three edits, the first two letters alike.
func almostSame(a, b string) bool {
	const alike, tooFar = 2, 3
	x, y := []rune(a), []rune(b)
	return len(x) > alike && len(y) > alike && slices.Equal(x[:alike], y[:alike]) && levenshtein(x, y) < tooFar
}

// levenshtein counts the insertions, deletions and replacements that turn a into b.
func levenshtein(a, b []rune) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i, x := range a {
		diagonal := row[0]
		row[0] = i + 1
		for j, y := range b {
			cost := 1
			if x == y {
				cost = 0
			}
			diagonal, row[j+1] = row[j+1], min(diagonal+cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
