package report

func (p *printer) verbose(r *Report) {}
