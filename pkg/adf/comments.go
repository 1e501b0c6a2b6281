package adf

import (
	"html"
	"regexp"
	"strings"
)

var (
	blockTag  = regexp.MustCompile(`(?i)</?(?:br|p|div|li|tr|ul|ol|table|h[1-6])(?:\s[^<>]*)?/?>`)
	anyTag    = regexp.MustCompile(`</?[a-zA-Z][^<>]*>`)
	deadBlock = regexp.MustCompile(`(?is)<(?:script|style)\b[^<>]*>.*?</(?:script|style)\s*>`)
	blankRuns = regexp.MustCompile(`\n{3,}`)
)

// PlainText gives comments that are formatted as HTML as plain text: breaks and paragraphs become line ends, other
// tags go, references are resolved. Text without such formatting comes back unchanged, whatever else it holds. The
// result is text, not safe HTML.
func PlainText(comments string) string {
	if !blockTag.MatchString(comments) {
		return comments
	}
	s := deadBlock.ReplaceAllString(comments, "")
	s = strings.NewReplacer("<br>\n", "\n", "<br />\n", "\n", "<br/>\n", "\n").Replace(s)
	s = blockTag.ReplaceAllString(s, "\n")
	s = html.UnescapeString(anyTag.ReplaceAllString(s, ""))
	lines := strings.Split(strings.ReplaceAll(s, "\u00a0", " "), "\n")
	for i, line := range lines {
		lines[i] = strings.TrimSpace(line)
	}
	return strings.TrimSpace(blankRuns.ReplaceAllString(strings.Join(lines, "\n"), "\n\n"))
}

// Mined is what senders put into comments for want of a field. It is a reading of free text: never let it overwrite
// what the document says in its proper place.
type Mined struct {
	VIN         string // well-formed
	Stock       string
	Year        string
	Make        string
	Model       string
	Consents    []Consent
	Preferred   PreferredContact
	Timeframe   string
	Attribution Attribution
	// Answers are the other "question: answer" lines, in order.
	Answers []QA
}

// QA is a question of a form and its answer.
type QA struct{ Question, Answer string }

// Consent is a yes or no to being contacted.
type Consent struct {
	Channel  string // email, sms, phone, mail; any when the text names none
	Granted  bool
	Question string // as asked: the proof
}

// PreferredContact is how and when the customer would like to be contacted.
type PreferredContact struct{ Method, Date, Time string }

// Attribution is where the customer came from.
type Attribution struct {
	Source, Medium, Campaign, Term, Content string
	ClickID                                 string // of the advertising network: gclid, fbclid, msclkid
	URL                                     string // landing page or click path
	FormName                                string
	SourceID                                string
}

// MineComments reads the "key: value" lines of comments, HTML or not. Sentences that happen to hold a colon are left
// alone.
func MineComments(comments string) Mined {
	var m Mined
	for line := range strings.SplitSeq(PlainText(comments), "\n") {
		for _, part := range pairsIn(line) {
			if key, value, ok := keyValue(part); ok {
				m.take(key, value)
			}
		}
	}
	return m
}

// pairsIn splits a line at the separators that stand between pairs.
func pairsIn(line string) []string {
	for _, sep := range []string{" // ", " | ", "; "} {
		parts := strings.Split(line, sep)
		if len(parts) < 2 {
			continue
		}
		pairs := 0
		for _, p := range parts {
			if _, _, ok := keyValue(p); ok {
				pairs++
			}
		}
		if pairs > 1 {
			return parts
		}
	}
	return []string{line}
}

var yesNoLine = regexp.MustCompile(`^(.{3,100}\?)\s*:?\s+(\S.*)$`)

// keyValue splits a line at its first colon when what stands before it looks like a label: short, without a sentence
// in it.
func keyValue(line string) (key, value string, ok bool) {
	line = strings.TrimSpace(strings.TrimLeft(strings.TrimSpace(line), "-*•/ "))
	if q := yesNoLine.FindStringSubmatch(line); q != nil && !strings.ContainsAny(q[1][:len(q[1])-1], ":?!") {
		if _, yesNo := granted(q[2]); yesNo {
			return q[1], q[2], true
		}
	}
	key, value, found := strings.Cut(line, ":")
	key, value = strings.TrimSpace(key), strings.TrimSpace(value)
	switch {
	case !found, key == "", value == "", len(key) > 100, strings.HasPrefix(value, "//"), placeholder(value):
		return "", "", false
	case strings.ContainsAny(strings.TrimSuffix(key, "?"), ".!?,<>{}\"") || len(strings.Fields(key)) > 12:
		return "", "", false
	case digitsOnly(key[len(key)-1:]) && value != "" && isDigit(rune(value[0])): // 10:30
		return "", "", false
	}
	return key, value, true
}

// take puts a pair where it belongs.
func (m *Mined) take(key, value string) {
	k := strings.ToLower(strings.NewReplacer("_", " ", "-", " ", "#", " ", "(", " ", ")", " ").Replace(key))
	k = strings.Join(strings.Fields(strings.TrimRight(k, "?: ")), " ")
	if channel, asks := consentChannel(k); asks {
		// A question in the negative answered with yes is a refusal. Answered with no it is no consent: nobody said yes.
		if yes, known := granted(value); known && (yes || !negated(k)) {
			m.Consents = append(m.Consents, Consent{channel, yes && !negated(k), key})
			return
		}
	}
	if dst := m.field(k, value); dst != nil && *dst == "" {
		*dst = value
		if dst == &m.VIN {
			m.VIN, _ = vinIn(value)
		}
		return
	}
	m.Answers = append(m.Answers, QA{key, value})
}

// field finds the field for a label.
func (m *Mined) field(k, value string) *string {
	a := &m.Attribution
	switch k {
	case "vin", "vin number", "vehicle vin", "numéro vin":
		if _, ok := vinIn(value); ok {
			return &m.VIN
		}
	case "stock", "stock id", "stock number", "stock no", "stocknumber", "référence", "n° de stock":
		return &m.Stock
	case "year", "vehicle year", "année":
		return &m.Year
	case "make", "vehicle make", "marque":
		return &m.Make
	case "model", "vehicle model", "modèle":
		return &m.Model
	case "preferred contact", "preferred contact method", "preferred method of contact", "contact preference",
		"contact method", "preferred communication", "moyen de contact préféré":
		return &m.Preferred.Method
	case "preferred date", "preferred day", "appointment date", "date souhaitée":
		return &m.Preferred.Date
	case "preferred time", "best time to call", "best time to contact", "preferred contact time", "appointment time",
		"heure souhaitée":
		return &m.Preferred.Time
	case "timeframe", "time frame", "purchase timeframe", "purchase time frame", "buying timeframe", "when", "délai d'achat":
		return &m.Timeframe
	case "utm source":
		return &a.Source
	case "utm medium":
		return &a.Medium
	case "utm campaign", "campaign":
		return &a.Campaign
	case "utm term":
		return &a.Term
	case "utm content":
		return &a.Content
	case "gclid", "gcl id", "google click id", "fbclid", "msclkid", "click id":
		return &a.ClickID
	case "click path", "click path url", "clickpath", "landing page", "landing url", "page url", "source url", "referrer", "url":
		return &a.URL
	case "form", "form name":
		return &a.FormName
	case "source id", "lead source id":
		return &a.SourceID
	}
	return nil
}

// consentChannel reports whether a label asks for permission to make contact, and by which channel.
func consentChannel(k string) (channel string, asks bool) {
	for _, phrase := range []string{"opt in", "optin", "opted in", "consent", "can we ", "may we ", "permission", "ok to ", "agree to ", "accepte", "subscribe", "opt out", "optout", "opted out", "do not "} {
		asks = asks || strings.Contains(k, phrase)
	}
	words := strings.FieldsFunc(k, func(r rune) bool { return r == ' ' || r == '/' || r == ',' || r == '\'' || r == '’' })
	for _, w := range words {
		switch w {
		case "text", "sms", "texts", "texting":
			return "sms", asks
		case "email", "mail?", "courriel", "newsletter", "emails":
			return "email", asks
		case "phone", "call", "calls", "téléphone", "voice", "appel", "appels", "appelé":
			return "phone", asks
		case "mail", "postal", "courrier", "post":
			if strings.Contains(k, "e mail") {
				return "email", asks
			}
			return "mail", asks
		}
	}
	return "any", asks
}

// negated reports whether a label asks for the opposite of consent.
func negated(k string) bool {
	for _, w := range strings.FieldsFunc(k, func(r rune) bool { return r == ' ' || r == '\'' || r == '’' }) {
		switch w {
		case "not", "don", "dont", "no", "ne", "pas", "never", "nicht", "kein", "unsubscribe", "optout", "refuse", "decline", "stop":
			return true
		}
	}
	return strings.Contains(k, "opt out") || strings.Contains(k, "opted out") || strings.Contains(k, "désinscri")
}

// granted reads yes and no.
func granted(value string) (yes, known bool) {
	switch strings.ToLower(strings.Trim(value, " .!")) {
	case "yes", "y", "oui", "true", "1", "ja", "si", "sí", "on", "opt-in", "opted in", "accepted", "granted", "agreed":
		return true, true
	case "no", "n", "non", "false", "0", "nein", "off", "opt-out", "opted out", "declined", "denied", "refused":
		return false, true
	}
	return false, false
}
