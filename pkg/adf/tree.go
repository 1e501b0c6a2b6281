package adf

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
)

// node is an element of the source. Its name is the local name folded to lower case without "_" and "-", so that
// STOCK_NUMBER, stock-number and stocknumber are one; local is as written.
type node struct {
	name, local               string
	attrs                     []attr
	text                      []byte
	flaws                     flaw
	parent, first, last, next *node
}

// problem is a warning found while the tree is built.
type problem struct {
	at            *node
	code, message string
}

// tree is what builder makes of a text: the adf elements, or prospects without one.
type tree struct {
	roots    []*node
	problems []problem
	doctype  bool
	prolog   bool // an XML declaration in another place or spelling than XML allows
}

// kind says how an element of ADF may hold others.
type kind int

const (
	unknownKind kind = iota
	container        // holds elements
	leaf             // holds text
	prose            // holds text that may be HTML
)

// kinds are the elements of the DTD, and comment, a common spelling of comments.
var kinds = map[string]kind{
	"adf": container, "prospect": container, "vehicle": container, "customer": container, "vendor": container,
	"provider": container, "contact": container, "colorcombination": container, "option": container,
	"finance": container, "address": container, "timeframe": container,
	"id": leaf, "requestdate": leaf, "year": leaf, "make": leaf, "model": leaf, "vin": leaf, "stock": leaf, "trim": leaf,
	"doors": leaf, "bodystyle": leaf, "transmission": leaf, "odometer": leaf, "condition": leaf, "interiorcolor": leaf,
	"exteriorcolor": leaf, "preference": leaf, "imagetag": leaf, "price": leaf, "optionname": leaf,
	"manufacturercode": leaf, "weighting": leaf, "method": leaf, "amount": leaf, "balance": leaf, "earliestdate": leaf,
	"latestdate": leaf, "vendorname": leaf, "url": leaf, "service": leaf, "name": leaf, "email": leaf, "phone": leaf,
	"street": leaf, "apartment": leaf, "city": leaf, "regioncode": leaf, "postalcode": leaf, "country": leaf,
	"comments": prose, "comment": prose, "pricecomments": prose, "description": prose,
}

// knownNames lets equal names share one string.
var knownNames = func() map[string]string {
	names := map[string]string{}
	for name := range kinds {
		names[name] = name
	}
	for _, name := range []string{"part", "type", "time", "interest", "status", "sequence", "source", "preferredcontact", "units", "currency", "line", "primarycontact"} {
		names[name] = name
	}
	return names
}()

// inlineHTML are the elements of HTML that turn up in values.
var inlineHTML = map[string]bool{
	"br": true, "hr": true, "img": true, "p": true, "b": true, "i": true, "u": true, "strong": true, "em": true,
	"span": true, "font": true, "div": true, "a": true, "small": true, "li": true, "ul": true,
}

func voidHTML(name string) bool {
	return name == "br" || name == "hr" || name == "img"
}

func fold(local string) string {
	if _, ok := knownNames[local]; ok {
		return local
	}
	name := strings.ToLower(local)
	if strings.ContainsAny(name, "_-") {
		name = strings.ReplaceAll(strings.ReplaceAll(name, "_", ""), "-", "")
	}
	return name
}

// builder makes the tree. It repairs what senders get wrong and never recurses, so depth costs no stack.
type builder struct {
	tree
	src       []byte
	pos       int
	cur       *node
	depth     int
	elements  int
	prospects int
	block     []node    // nodes are made in blocks
	scratch   []rawAttr // reused from tag to tag
}

func buildTree(src []byte) (*tree, error) {
	b := &builder{src: src}
	for b.pos < len(b.src) {
		at := bytes.IndexByte(b.src[b.pos:], '<')
		if at < 0 {
			b.addText(b.src[b.pos:], false)
			break
		}
		b.addText(b.src[b.pos:b.pos+at], false)
		b.pos += at
		cut, err := b.markup()
		if err != nil {
			return nil, err
		}
		if cut {
			return b.cutOff()
		}
	}
	return b.finish()
}

// markup handles what starts with "<" at pos. cut is true when the source ends inside of it.
func (b *builder) markup() (cut bool, err error) {
	s := b.src[b.pos:]
	switch {
	case len(s) > 1 && s[1] <= '<' && s[1] != '/' && s[1] != '!':
		b.bareLess(s) // no name starts with these
		return false, nil
	case bytes.HasPrefix(s, []byte("<!--")):
		return b.skipTo(s, 4, "-->"), nil
	case len(s) >= 9 && bytes.EqualFold(s[:9], []byte("<![CDATA[")):
		end := bytes.Index(s[9:], []byte("]]>"))
		if end < 0 {
			return true, nil
		}
		b.addText(s[9:9+end], true)
		b.pos += 9 + end + 3
		return false, nil
	case bytes.HasPrefix(s, []byte("<?")):
		if len(s) > 5 && bytes.EqualFold(s[2:5], []byte("xml")) && (s[5] <= ' ' || s[5] == '?') {
			b.prolog = b.prolog || b.pos > 0 || string(s[2:5]) != "xml"
		}
		return b.skipTo(s, 2, ">"), nil
	case len(s) > 2 && s[1] == '!' && asciiLetter(s[2]) && b.cur == nil:
		n := skipDeclaration(s)
		if n < 0 {
			return true, nil
		}
		b.doctype = b.doctype || bytes.IndexByte(s[:n], '[') >= 0
		b.pos += n
		return false, nil
	}
	t, ok, cut := readTag(s, b.scratch[:0])
	b.scratch = t.attrs
	switch {
	case cut:
		return true, nil
	case !ok:
		b.bareLess(s)
		return false, nil
	}
	b.pos += t.size
	if t.end {
		b.endTag(t, s[:t.size])
		return false, nil
	}
	return false, b.startTag(t, s[:t.size])
}

// bareLess takes a "<" for text.
func (b *builder) bareLess(s []byte) {
	if b.cur != nil {
		b.cur.flaws |= bareLess
	}
	b.addText(s[:1], true)
	b.pos++
}

func (b *builder) skipTo(s []byte, from int, end string) (cut bool) {
	n := bytes.Index(s[from:], []byte(end))
	if n < 0 {
		return true
	}
	b.pos += from + n + len(end)
	return false
}

func (b *builder) addText(s []byte, raw bool) {
	if b.cur == nil {
		return
	}
	n := b.cur
	if n.flaws&textCut != 0 {
		return
	}
	if len(n.text) == 0 {
		s = bytes.TrimLeft(s, " \t\r\n")
	}
	if len(s) == 0 {
		return
	}
	var found flaw
	n.text, found = appendText(n.text, s, raw)
	n.flaws |= found
}

// startTag opens the element of t, after closing those that were left open before it.
func (b *builder) startTag(t tag, source []byte) error {
	name := fold(t.name)
	k := kinds[name]
	if b.cur == nil {
		if name == "adf" || name == "prospect" {
			return b.open(t, name)
		}
		return nil
	}
	for in := kinds[b.cur.name]; in == leaf || in == prose; in = kinds[b.cur.name] {
		if in == prose && k != container && k != prose || in == leaf && inlineHTML[name] {
			b.inline(source, in)
			return nil
		}
		if k == unknownKind || b.cur.name == "price" && name == "amount" {
			break
		}
		b.close(true)
	}
	if voidHTML(name) {
		return nil
	}
	if foreign(b.cur.name, name, k) {
		b.close(true)
	}
	switch name {
	case "vehicle", "customer", "vendor", "provider":
		b.closeThrough(name)
	case "prospect":
		b.closeParts()
	case "adf":
		for b.cur != nil {
			b.close(true)
		}
	}
	return b.open(t, name)
}

// closeParts closes whatever known element is open but adf: a prospect stands in none.
func (b *builder) closeParts() {
	var outer *node
	for a := b.cur; a != nil; a = a.parent {
		if kinds[a.name] == container && a.name != "adf" {
			outer = a
		}
	}
	for outer != nil && b.cur != outer.parent {
		b.close(true)
	}
}

// foreign reports that an element cannot stand in a small container, whose end tag must then be missing.
func foreign(in, name string, k kind) bool {
	switch in {
	case "colorcombination":
		return k != unknownKind && name != "interiorcolor" && name != "exteriorcolor" && name != "preference"
	case "address", "timeframe", "finance", "option":
		return (k == container || k == prose) && name != "description"
	}
	return false
}

// inline takes a tag inside a text for a part of it. Comments keep it, other values are better off without.
func (b *builder) inline(source []byte, in kind) {
	b.cur.flaws |= inlineMarkup
	if in == prose {
		b.addText(source, true)
		return
	}
	b.addText([]byte(" "), true)
}

func (b *builder) open(t tag, name string) error {
	b.elements++
	if b.elements > MaxElements {
		return fail(ErrTooLarge, "more than %d elements", MaxElements)
	}
	if name == "prospect" {
		b.prospects++
		if b.prospects > MaxProspects {
			return fail(ErrTooLarge, "more than %d prospects", MaxProspects)
		}
	}
	if !t.closed {
		b.depth++
		if b.depth > MaxDepth {
			return fail(ErrTooDeep, "more than %d levels at byte %d", MaxDepth, b.pos)
		}
	}
	n := b.node()
	n.name, n.local, n.attrs, n.parent = name, t.name, readAttrs(t.attrs), b.cur
	switch {
	case b.cur == nil:
		b.roots = append(b.roots, n)
	case b.cur.first == nil:
		b.cur.first, b.cur.last = n, n
	default:
		b.cur.last.next = n
		b.cur.last = n
	}
	if !t.closed {
		b.cur = n
	}
	return nil
}

func (b *builder) node() *node {
	if len(b.block) == 0 {
		b.block = make([]node, 64)
	}
	n := &b.block[0]
	b.block = b.block[1:]
	return n
}

func (b *builder) close(missing bool) {
	if missing {
		b.problem(WarnUnclosed, "The end tag of <%s> is missing.", b.cur.local)
	}
	b.cur = b.cur.parent
	b.depth--
}

// closeThrough closes the nearest open element of that name and all inside it, when there is one.
func (b *builder) closeThrough(name string) {
	for a := b.cur; a != nil; a = a.parent {
		if a.name == name {
			for b.cur != a {
				b.close(true)
			}
			b.close(true)
			return
		}
	}
}

func (b *builder) endTag(t tag, source []byte) {
	if b.cur == nil {
		return
	}
	name := fold(t.name)
	in := kinds[b.cur.name]
	if name != b.cur.name && (in == prose && kinds[name] != container || in == leaf && inlineHTML[name]) {
		b.inline(source, in)
		return
	}
	for a := b.cur; a != nil; a = a.parent {
		if a.name != name {
			continue
		}
		for b.cur != a {
			b.close(true)
		}
		b.close(false)
		return
	}
	if !voidHTML(name) {
		b.problem(WarnStrayEnd, "</%s> ends nothing; it was ignored.", t.name)
	}
}

// problem notes a warning about the current element.
func (b *builder) problem(code, format, local string) {
	if len(b.problems) < MaxWarnings {
		b.problems = append(b.problems, problem{b.cur, code, fmt.Sprintf(format, clip(local, 40))})
	}
}

// cutOff decides what to make of a source that ends inside a tag, a comment or a CDATA section.
func (b *builder) cutOff() (*tree, error) {
	if b.cur == nil || strings.HasPrefix("</adf>", strings.ToLower(string(b.src[b.pos:min(len(b.src), b.pos+8)]))) {
		return b.finish()
	}
	return nil, fail(ErrTruncated, "the text ends inside <%s>", clip(b.cur.local, 40))
}

// finish accepts a missing </adf> after complete prospects, and nothing else that was left open.
func (b *builder) finish() (*tree, error) {
	if b.cur != nil && (b.cur.name != "adf" || b.cur.first == nil || b.prospects == 0) {
		return nil, fail(ErrTruncated, "the text ends inside <%s>", clip(b.cur.local, 40))
	}
	if b.cur != nil {
		b.close(true)
	}
	if len(b.roots) == 0 {
		return nil, fail(ErrNotADF, "neither an adf nor a prospect element")
	}
	return &b.tree, nil
}

// attr gives the trimmed value of the first of the named attributes that is there.
func (n *node) attr(names ...string) string {
	for _, name := range names {
		for i := range n.attrs {
			if n.attrs[i].name == name {
				return trim(n.attrs[i].value)
			}
		}
	}
	return ""
}

// child gives the first child of that name, or nil.
func (n *node) child(name string) *node {
	for c := n.first; c != nil; c = c.next {
		if c.name == name {
			return c
		}
	}
	return nil
}

// allText is the text of n and, after it, of the elements inside.
func (n *node) allText() string {
	if n.first == nil {
		return trim(string(n.text))
	}
	parts := nonEmpty(trim(string(n.text)))
	for c := n.first; c != nil; c = c.next {
		parts = append(parts, nonEmpty(c.allText())...)
	}
	return strings.Join(parts, " ")
}

// path locates n in the source, counting elements of one name only where there are several.
func (n *node) path() string {
	if n == nil {
		return ""
	}
	step := "/" + strings.ToLower(n.local)
	if n.parent == nil {
		return step
	}
	place, count := 0, 0
	for c := n.parent.first; c != nil; c = c.next {
		if c.name == n.name {
			count++
		}
		if c == n {
			place = count
		}
	}
	if count > 1 {
		step += "[" + strconv.Itoa(place) + "]"
	}
	return n.parent.path() + step
}
