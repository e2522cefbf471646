package storetest

import (
	"reflect"
	"time"

	"github.com/shopspring/decimal"

	"github.com/takebackhq/takeback/reportparse"
)

// complete gives a value to every field that has none, also within what the others
// refer to, so that a field which a store forgets is missed.
func complete(v reflect.Value) {
	if full := fulls[v.Type()]; full != nil {
		if v.IsZero() {
			v.Set(reflect.ValueOf(full))
		}
		return
	}
	switch v.Kind() {
	case reflect.String:
		if v.Len() == 0 {
			v.SetString("word' 返品")
		}
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int, reflect.Int64:
		if v.IsZero() {
			v.SetInt(7)
		}
	case reflect.Uint8:
		if v.IsZero() {
			v.SetUint(7)
		}
	case reflect.Pointer:
		if v.IsNil() {
			v.Set(reflect.New(v.Type().Elem()))
		}
		complete(v.Elem())
	case reflect.Slice:
		if v.Len() == 0 {
			v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		}
		for i := range v.Len() {
			complete(v.Index(i))
		}
	case reflect.Map:
		if v.Len() == 0 {
			v.Set(reflect.MakeMap(v.Type()))
			key := reflect.New(v.Type().Key()).Elem()
			complete(key)
			v.SetMapIndex(key, reflect.Zero(v.Type().Elem()))
		}
		for _, key := range v.MapKeys() {
			value := reflect.New(v.Type().Elem()).Elem()
			value.Set(v.MapIndex(key))
			complete(value)
			v.SetMapIndex(key, value)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			complete(v.Field(i))
		}
	default:
		panic("storetest: no value for a field of type " + v.Type().String())
	}
}

// fulls are values of the types that are more than their exported fields.
var fulls = map[reflect.Type]any{
	reflect.TypeFor[time.Time]():          noon.In(tokyo),
	reflect.TypeFor[decimal.Decimal]():    digits("-12345678901234567890.10"),
	reflect.TypeFor[reportparse.Amount](): reportparse.NewAmount(-63500, 3),
}
