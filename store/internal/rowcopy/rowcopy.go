// Package rowcopy copies rows, so that a store and its callers share no memory.
package rowcopy

import (
	"reflect"
	"time"
)

// Of returns a copy of a row that shares no slice, map or pointer with it, and
// in which every time is the same instant in UTC. Values with unexported fields
// other than times, such as decimals, are taken to be immutable. A row may not
// contain itself.
func Of[T any](row T) T {
	own(reflect.ValueOf(&row).Elem())
	return row
}

var timeType = reflect.TypeFor[time.Time]()

// own replaces everything that v refers to by copies.
func own(v reflect.Value) {
	switch v.Kind() {
	case reflect.Struct:
		if v.Type() == timeType {
			t := v.Addr().Interface().(*time.Time)
			*t = t.Round(0).UTC() // Round drops the reading of this process's clock
			return
		}
		for i := range v.NumField() {
			if f := v.Field(i); f.CanSet() {
				own(f)
			}
		}
	case reflect.Pointer:
		if !v.IsNil() {
			p := reflect.New(v.Type().Elem())
			p.Elem().Set(v.Elem())
			own(p.Elem())
			v.Set(p)
		}
	case reflect.Slice:
		if !v.IsNil() {
			s := reflect.MakeSlice(v.Type(), v.Len(), v.Len())
			reflect.Copy(s, v)
			if !plain(v.Type().Elem()) {
				for i := range s.Len() {
					own(s.Index(i))
				}
			}
			v.Set(s)
		}
	case reflect.Map:
		if !v.IsNil() {
			m := reflect.MakeMapWithSize(v.Type(), v.Len())
			for key, value := range v.Seq2() {
				c := reflect.New(value.Type()).Elem()
				c.Set(value)
				own(c)
				m.SetMapIndex(key, c)
			}
			v.Set(m)
		}
	}
}

// plain tells whether own has nothing to do for values of a type: the elements of
// a long slice, such as the messages of a document, need no look at each.
func plain(t reflect.Type) bool {
	switch t.Kind() {
	case reflect.Pointer, reflect.Slice, reflect.Map:
		return false
	case reflect.Struct:
		for i := range t.NumField() {
			if f := t.Field(i); f.IsExported() && !plain(f.Type) {
				return false
			}
		}
		return t != timeType
	}
	return true
}
