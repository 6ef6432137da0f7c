// Many waiters for one token of Go's oauth2.ReuseTokenSource: go_waiters WAITERS [refused].
package main

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/oauth2"
)

func cpuMicroseconds() float64 {
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		panic(err)
	}
	return float64(used.Utime.Nano()+used.Stime.Nano()) / 1e3
}

func residentKilobytes() float64 {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		panic(err)
	}
	rest := string(status)[strings.Index(string(status), "VmRSS:")+len("VmRSS:"):]
	kb, err := strconv.ParseFloat(strings.Fields(rest)[0], 64)
	if err != nil {
		panic(err)
	}
	return kb
}

// The server of the source: it responds once the gate is open.
type server struct {
	requests int64
	gate     chan struct{}
	refuses  bool
}

func (s *server) Token() (*oauth2.Token, error) {
	atomic.AddInt64(&s.requests, 1)
	<-s.gate
	if s.refuses {
		return nil, errors.New("invalid_client")
	}
	return &oauth2.Token{
		AccessToken: strings.Repeat("x", 796), TokenType: "Bearer",
		Expiry: time.Now().Add(time.Hour)}, nil
}

func main() {
	waiters, _ := strconv.Atoi(os.Args[1])
	runtime.GOMAXPROCS(1)
	from := &server{gate: make(chan struct{}), refuses: len(os.Args) > 2}
	source := oauth2.ReuseTokenSource(nil, from)
	before := residentKilobytes()
	var began, done sync.WaitGroup
	began.Add(waiters)
	done.Add(waiters)
	for i := 0; i < waiters; i++ {
		go func() {
			began.Done()
			token, err := source.Token()
			if !from.refuses && (err != nil || len(token.AccessToken) != 796) {
				panic("this is not the token")
			}
			done.Done()
		}()
	}
	began.Wait()
	// The last of them may not wait yet.
	for i := 0; i < 100; i++ {
		runtime.Gosched()
	}
	resident := residentKilobytes() - before
	cpu := cpuMicroseconds()
	close(from.gate)
	done.Wait()
	fmt.Printf("{\"how\":\"go\",\"fetches\":%d,\"wake_us\":%.4f,\"resident_bytes\":%.1f}\n",
		from.requests, (cpuMicroseconds()-cpu)/float64(waiters),
		resident*1024/float64(waiters))
}
