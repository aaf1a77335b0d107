package bench

import (
	"os"
	"os/exec"

	"github.com/nightshift-run/nightshift/local/parts"
)

// workerProcess is nightshift worker.
type workerProcess struct {
	command *exec.Cmd
	used    used
	ended   bool
}

// used is what a process has taken: the most memory that it ever held, in MB,
// and seconds of processor time.
type used struct{ megabytes, cpu float64 }

// startWorker starts one; kill must be called.
func (w *world) startWorker(environment ...string) (*workerProcess, error) {
	log, err := os.OpenFile(w.path("worker.log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	defer log.Close()
	command := exec.Command(w.worker, "worker")
	command.Env, command.Stderr = append(parts.Environ(w.dir), environment...), log
	for _, variable := range w.Environment() {
		command.Env = append(command.Env, variable[0]+"="+variable[1])
	}
	if err := command.Start(); err != nil {
		return nil, err
	}
	return &workerProcess{command: command}, nil
}

// kill is kill -9, and says what the process took. Killing it again does
// nothing.
func (p *workerProcess) kill() used {
	if p.ended {
		return p.used
	}
	p.ended = true
	p.used.megabytes = float64(parts.MemoryOf(p.command.Process.Pid).Most) / 1e6
	_ = p.command.Process.Kill()
	_ = p.command.Wait() // says that it was killed
	p.used.cpu = cpuOf(p.command.ProcessState)
	return p.used
}

func cpuOf(process *os.ProcessState) float64 {
	return (process.UserTime() + process.SystemTime()).Seconds()
}
