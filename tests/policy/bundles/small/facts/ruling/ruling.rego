package facts.ruling

default permits(_) := false

permits(code) if input.ruling.provision == code
