// Go's oauth2.ReuseTokenSource with a cached token: go_hits THREADS HITS.
package main

import (
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/oauth2"
)

func cpuNanoseconds() float64 {
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		panic(err)
	}
	return float64(used.Utime.Nano() + used.Stime.Nano())
}

func repeat(source oauth2.TokenSource, hits int) {
	for i := 0; i < hits; i++ {
		token, err := source.Token()
		if err != nil || len(token.AccessToken) != 796 {
			panic("this is not the token")
		}
	}
}

func inThreads(threads int, work func()) {
	var group sync.WaitGroup
	for i := 0; i < threads; i++ {
		group.Add(1)
		go func() {
			work()
			group.Done()
		}()
	}
	group.Wait()
}

func main() {
	threads, _ := strconv.Atoi(os.Args[1])
	hits, _ := strconv.Atoi(os.Args[2])
	runtime.GOMAXPROCS(threads)
	token := &oauth2.Token{
		AccessToken: strings.Repeat("x", 796), TokenType: "Bearer",
		Expiry: time.Now().Add(time.Hour)}
	source := oauth2.ReuseTokenSource(token, nil)
	inThreads(threads, func() { repeat(source, 10000) })
	cpu, began := cpuNanoseconds(), time.Now()
	inThreads(threads, func() { repeat(source, hits) })
	wall := float64(time.Since(began).Nanoseconds())
	used := cpuNanoseconds() - cpu
	fmt.Printf("{\"how\":\"go\",\"cpu_ns\":%.2f,\"wall_ns\":%.2f}\n",
		used/float64(hits*threads), wall/float64(hits))
}
