package messages

import (
	"fmt"
	"html"
	"slices"
	"strings"
	"time"

	"github.com/rooftop-crm/rooftop/internal/platform/errs"
)

// VariableKind tells what a variable holds, and so how it is shown.
type VariableKind string

// The kinds of variable.
const (
	VariableText VariableKind = "text"
	VariableURL  VariableKind = "url"  // in HTML that is made from a text it becomes a link
	VariableTime VariableKind = "time" // is written as people of the language do, in the account's time zone
)

// Variable is something that a wording may name as {{name}}.
type Variable struct {
	Name     string
	Kind     VariableKind
	What     string // says to whoever writes a wording what it holds
	Required bool   // the message is of no use without it
	Example  string
}

// Wording is a message with places for variables: {{name}} is the value, {{#name}}…{{/name}} is there when the value is
// not empty. Nothing else happens in it: a wording computes nothing and reads nothing.
type Wording struct {
	Subject string
	Text    string
	HTML    string // "": made from Text
}

const (
	maxSubject = 200
	maxText    = 50_000
	maxHTML    = 200_000
	maxNested  = 10
)

// piece is a part of a parsed wording: literal text, a variable, or a section of further pieces.
type piece struct {
	literal string
	name    string
	section []piece // of a section; nil for a plain variable
}

// parse reads a wording. The error text says what is wrong, for whoever wrote it.
func parse(text string, known []Variable) ([]piece, *errs.Field) {
	pieces, rest, fault := parseUntil(text, "", known, 0)
	if fault == nil && rest != "" {
		fault = &errs.Field{Code: "invalid", Detail: "A section ends that never began."}
	}
	return pieces, fault
}

// parseUntil reads up to the end of the section, or of the text when there is none, and returns what comes after it.
func parseUntil(text, section string, known []Variable, depth int) (out []piece, rest string, fault *errs.Field) {
	wrong := func(code, format string, args ...any) ([]piece, string, *errs.Field) {
		return nil, "", &errs.Field{Code: code, Detail: fmt.Sprintf(format, args...)}
	}
	if depth > maxNested {
		return wrong("too_deep", "Sections may be nested %d times.", maxNested)
	}
	for {
		before, after, found := strings.Cut(text, "{{")
		if before != "" {
			out = append(out, piece{literal: before})
		}
		if !found {
			if section != "" {
				return wrong("invalid", "The section {{#%s}} lacks its end: write {{/%s}}.", section, section)
			}
			return out, "", nil
		}
		inside, following, closed := strings.Cut(after, "}}")
		if !closed {
			return wrong("invalid", "A {{ lacks its }}.")
		}
		mark, name := "", strings.TrimSpace(inside)
		if name != "" && strings.ContainsRune("#/", rune(name[0])) {
			mark, name = name[:1], strings.TrimSpace(name[1:])
		}
		if mark == "/" {
			if name != section || section == "" {
				return wrong("invalid", "{{/%s}} ends a section that is not open here.", printable(name))
			}
			return out, following, nil
		}
		if !slices.ContainsFunc(known, func(v Variable) bool { return v.Name == name }) {
			return wrong("unknown_variable", "There is no variable %q in this message. There are: %s.", printable(name), names(known))
		}
		p := piece{name: name}
		if mark == "#" {
			if p.section, following, fault = parseUntil(following, name, known, depth+1); fault != nil {
				return nil, "", fault
			}
			if p.section == nil {
				p.section = []piece{}
			}
		}
		out, text = append(out, p), following
	}
}

// printable is what somebody wrote, short and on one line.
func printable(name string) string {
	const most = 60
	if r := []rune(strings.Join(strings.Fields(name), " ")); len(r) <= most {
		return string(r)
	} else {
		return string(r[:most]) + "…"
	}
}

func names(known []Variable) string {
	out := make([]string, len(known))
	for i, v := range known {
		out[i] = v.Name
	}
	return strings.Join(out, ", ")
}

// render puts the values in, each through escape.
func render(pieces []piece, values map[string]string, escape func(name, value string) string, b *strings.Builder) {
	for _, p := range pieces {
		switch {
		case p.name == "":
			b.WriteString(p.literal)
		case p.section == nil:
			b.WriteString(escape(p.name, values[p.name]))
		case values[p.name] != "":
			render(p.section, values, escape, b)
		}
	}
}

func text(pieces []piece, values map[string]string, escape func(name, value string) string) string {
	var b strings.Builder
	render(pieces, values, escape, &b)
	return b.String()
}

// Validate finds every fault of a wording.
func (w *Wording) Validate(known []Variable) []errs.Field {
	var out []errs.Field
	check := func(pointer, text string, most int, required bool) {
		_, fault := parse(text, known)
		switch {
		case required && strings.TrimSpace(text) == "":
			out = append(out, errs.Field{Pointer: pointer, Code: "required", Detail: "This must not be empty."})
		case len([]rune(text)) > most:
			out = append(out, errs.Field{Pointer: pointer, Code: "too_long", Detail: fmt.Sprintf("Must be at most %d characters.", most)})
		case fault != nil:
			fault.Pointer = pointer
			out = append(out, *fault)
		}
	}
	w.Subject = strings.TrimSpace(w.Subject)
	check("/subject", w.Subject, maxSubject, true)
	check("/text", w.Text, maxText, true)
	check("/html", w.HTML, maxHTML, false)
	return out
}

// Rendered is a message with its values.
type Rendered struct {
	Subject string
	Text    string
	HTML    string
}

// Render puts values into a wording that is valid. Values are escaped in HTML, and cannot end the line of a subject.
func (w Wording) Render(known []Variable, values map[string]string) Rendered {
	plain := func(_, v string) string { return v }
	parsed := func(s string) []piece {
		pieces, _ := parse(s, known) // valid
		return pieces
	}
	out := Rendered{Subject: strings.Join(strings.Fields(text(parsed(w.Subject), values, plain)), " "), Text: text(parsed(w.Text), values, plain)}
	if w.HTML != "" {
		out.HTML = text(parsed(w.HTML), values, func(_, v string) string { return html.EscapeString(v) })
		return out
	}
	out.HTML = htmlOf(parsed(w.Text), known, values)
	return out
}

// htmlOf makes HTML of a text: paragraphs, line breaks, and links of what are URLs.
func htmlOf(pieces []piece, known []Variable, values map[string]string) string {
	escaped := escapeLiterals(pieces)
	body := text(escaped, values, func(name, v string) string {
		i := slices.IndexFunc(known, func(k Variable) bool { return k.Name == name })
		safe := html.EscapeString(v)
		if i >= 0 && known[i].Kind == VariableURL && (strings.HasPrefix(v, "https://") || strings.HasPrefix(v, "http://")) {
			return `<a href="` + safe + `">` + safe + `</a>`
		}
		return safe
	})
	var b strings.Builder
	b.WriteString("<!DOCTYPE html>\n<html><body>\n")
	for paragraph := range strings.SplitSeq(strings.ReplaceAll(strings.TrimSpace(body), "\r\n", "\n"), "\n\n") {
		if paragraph = strings.TrimSpace(paragraph); paragraph != "" {
			b.WriteString("<p>" + strings.ReplaceAll(paragraph, "\n", "<br>\n") + "</p>\n")
		}
	}
	b.WriteString("</body></html>\n")
	return b.String()
}

func escapeLiterals(pieces []piece) []piece {
	out := slices.Clone(pieces)
	for i := range out {
		out[i].literal = html.EscapeString(out[i].literal)
		if out[i].section != nil {
			out[i].section = escapeLiterals(out[i].section)
		}
	}
	return out
}

var months = map[string][]string{
	"fr": {"janvier", "février", "mars", "avril", "mai", "juin", "juillet", "août", "septembre", "octobre", "novembre", "décembre"},
	"en": {"January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"},
}

// localTime writes a time as people of the language do; what is no RFC 3339 time stays as it is.
func localTime(value, language string, zone *time.Location) string {
	at, err := time.Parse(time.RFC3339, value)
	if err != nil {
		return value
	}
	at = at.In(zone)
	name, clock := months["en"], "%s at 15:04 MST"
	if base(language) == "fr" {
		name, clock = months["fr"], "%s à 15:04 MST"
	}
	return fmt.Sprintf(at.Format(clock), fmt.Sprintf("%d %s %d", at.Day(), name[at.Month()-1], at.Year()))
}

// base is the language of a tag: fr of fr-CA.
func base(language string) string {
	lang, _, _ := strings.Cut(language, "-")
	return lang
}
