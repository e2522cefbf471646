package reportparse_test

import (
	"fmt"
	"strings"

	"pgregory.net/rapid"
)

// element is one of XML.
type element struct {
	name       string
	attributes string // as they are written
	text       string
	children   []*element
	ordered    bool           // children stay in their order
	begin      func(line int) // told where it begins
}

// add is a new element at a path below e. "Component=Tax" is a Component of the
// Type Tax, with an Amount, which is returned.
func (e *element) add(path, text string) *element {
	name, rest, deeper := strings.Cut(path, "/")
	if deeper {
		return e.find(name).add(rest, text)
	}
	child := &element{name: name, text: text}
	if name, typ, pair := strings.Cut(name, "="); pair {
		child.name, child.text = name, ""
		e.children = append(e.children, child)
		child.add("Type", typ)
		return child.add("Amount", text)
	}
	e.children = append(e.children, child)
	return child
}

// find is the element at a path below e, new if there is none.
func (e *element) find(path string) *element {
	if path == "" {
		return e
	}
	name, rest, _ := strings.Cut(path, "/")
	for _, child := range e.children {
		if child.name == name {
			return child.find(rest)
		}
	}
	return e.add(name, "").find(rest)
}

// set gives an element an attribute.
func (e *element) set(attribute, text string) {
	e.attributes += fmt.Sprintf(" %s = '%s'", attribute, escaped.Replace(text))
}

// document writes a message in an envelope.
func document(t *rapid.T, messageType string, message *element) string {
	w := &xmlWriter{
		t: t, line: 1,
		end:    rapid.SampledFrom([]string{"", "\n", "\r\n"}).Draw(t, "line end"),
		indent: rapid.SampledFrom([]string{"", "  ", "\t"}).Draw(t, "indent"),
	}
	w.put(rapid.SampledFrom([]string{"<AmazonEnvelope>", `<AmazonEnvelope xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:noNamespaceSchemaLocation="amzn-envelope.xsd">`}).Draw(t, "root"))
	w.put("<!-- <Message> --><Header><DocumentVersion>1.00</DocumentVersion></Header>")
	w.put("<MessageType>" + messageType + "</MessageType>")
	w.write(message, 0)
	w.put("</AmazonEnvelope>" + w.end)
	return w.String()
}

// xmlWriter writes elements in one of the ways that mean the same.
type xmlWriter struct {
	strings.Builder
	t      *rapid.T
	end    string // of a line
	indent string // of a level
	line   int
}

func (w *xmlWriter) put(text string) {
	w.line += strings.Count(text, "\n")
	w.WriteString(text)
}

func (w *xmlWriter) write(e *element, depth int) {
	w.put(w.end + strings.Repeat(w.indent, depth))
	if e.begin != nil {
		e.begin(w.line)
	}
	if e.text == "" && len(e.children) == 0 && rapid.Bool().Draw(w.t, "short") {
		w.put("<" + e.name + e.attributes + " />")
		return
	}
	w.put("<" + e.name + e.attributes + ">")
	if len(e.children) > 0 {
		children := e.children
		if !e.ordered {
			children = rapid.Permutation(children).Draw(w.t, "children")
		}
		for _, child := range children {
			w.write(child, depth+1)
		}
		w.put(w.end)
	}
	w.put(w.text(e.text) + "</" + e.name + ">")
}

var escaped = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&quot;", "'", "&apos;")

func (w *xmlWriter) text(text string) string {
	if text == "" {
		return ""
	}
	switch rapid.IntRange(0, 5).Draw(w.t, "markup") {
	case 0:
		return "<![CDATA[" + text + "]]>"
	case 1:
		var b strings.Builder
		for _, r := range text {
			fmt.Fprintf(&b, "&#x%X;", r)
		}
		return b.String()
	case 2:
		first, rest := text[:1], text[1:]
		if first[0] < 0x80 {
			return escaped.Replace(first) + "<!-- <b> & -->" + escaped.Replace(rest)
		}
	case 3:
		return w.end + " " + escaped.Replace(text) + w.end
	}
	return escaped.Replace(text)
}
