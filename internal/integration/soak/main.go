package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
)

func main() {
	seed := flag.Uint64("seed", 1, "")
	runs := flag.Int("runs", 100, "")
	one := flag.Int("run", 0, "")
	workers := flag.Int("workers", 3, "")
	flag.Parse()
	folder, err := os.MkdirTemp("/dev/shm", "soak")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(folder)
	_ = context.Background
	sum := figures{LedgerEqual: true}
	for i := 1; i <= *runs; i++ {
		if *one > 0 {
			i = *one
		}
		r := newRun(*seed, i, *workers)
		if *one > 0 {
			r.trace = func(s string) { fmt.Println(s) }
		}
		f, err := r.play(folder)
		if err != nil {
			fmt.Println(err)
			break
		}
		sum = sum.plus(f)
		if *one > 0 {
			break
		}
	}
	for _, f := range sum.findings {
		fmt.Println(f)
	}
	_ = json.NewEncoder(os.Stdout).Encode(sum)
}
