package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"time"
)

// field is a field of a row by its name in Go. One that is a struct of fields, or
// points to one, has these below it.
type field struct {
	name  string
	index int
	below []field
}

// fieldsOf lists the fields of a struct. A time.Time and an Amount show none, and
// so are values.
func fieldsOf(t reflect.Type) []field {
	var out []field
	for i := range t.NumField() {
		f := t.Field(i)
		if !f.IsExported() {
			continue
		}
		one := field{name: f.Name, index: i}
		of := f.Type
		if of.Kind() == reflect.Pointer {
			of = of.Elem()
		}
		if of.Kind() == reflect.Struct {
			one.below = fieldsOf(of)
		}
		out = append(out, one)
	}
	return out
}

// value gives a field of a row, unless it says nothing: an empty text, a zero
// time, an absent amount, which is not an amount of zero.
func (f field) value(row reflect.Value) (v reflect.Value, ok bool) {
	v = reflect.Indirect(row.Field(f.index))
	return v, v.IsValid() && !v.IsZero() && (v.Kind() != reflect.Map || v.Len() > 0)
}

// paths lists the paths of fields, such as "ShipTo.City".
func paths(fields []field, prefix string) []string {
	var out []string
	for _, f := range fields {
		out = append(out, prefix+f.name)
		out = append(out, paths(f.below, prefix+f.name+".")...)
	}
	return out
}

// cell is what a row says, by the path of its field.
type cell struct{ path, text string }

// appendCells lists what a row says, in the order of its fields. Each entry of a
// map is a cell of its own.
func appendCells(cells []cell, row reflect.Value, fields []field, prefix string) []cell {
	for _, f := range fields {
		v, ok := f.value(row)
		if !ok {
			continue
		}
		path := prefix + f.name
		if f.below != nil {
			cells = appendCells(cells, v, f.below, path+".")
			continue
		}
		switch x := v.Interface().(type) {
		case map[string]string:
			for _, name := range slices.Sorted(maps.Keys(x)) {
				cells = append(cells, cell{path + "." + name, x[name]})
			}
		case time.Time:
			cells = append(cells, cell{path, x.Format(time.RFC3339)})
		default:
			cells = append(cells, cell{path, fmt.Sprint(x)})
		}
	}
	return cells
}

// objects writes what rows say as JSON objects, without the escapes that only
// HTML needs.
type objects struct {
	buf bytes.Buffer
	enc *json.Encoder // into buf
}

func newObjects() *objects {
	o := &objects{}
	o.enc = json.NewEncoder(&o.buf)
	o.enc.SetEscapeHTML(false)
	return o
}

func (o *objects) row(row reflect.Value, fields []field) error {
	open := byte('{')
	for _, f := range fields {
		v, ok := f.value(row)
		if !ok {
			continue
		}
		o.buf.WriteByte(open)
		open = ','
		o.buf.WriteByte('"')
		o.buf.WriteString(f.name)
		o.buf.WriteString(`":`)
		write := o.value
		if f.below != nil {
			write = func(v reflect.Value) error { return o.row(v, f.below) }
		}
		if err := write(v); err != nil {
			return err
		}
	}
	if open == '{' {
		o.buf.WriteByte(open)
	}
	o.buf.WriteByte('}')
	return nil
}

func (o *objects) value(v reflect.Value) error {
	if err := o.enc.Encode(v.Interface()); err != nil {
		return err
	}
	o.buf.Truncate(o.buf.Len() - 1) // the end of line that Encode adds
	return nil
}
