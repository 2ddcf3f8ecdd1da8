# METADATA
# scope: package
# title: What a legal paper is worth
# description: >-
#   A paper counts only once staff have recorded that they saw a judge's signature on it. Until then it
#   is a claim.
package facts.process

# A civil immigration paper is not merely worth nothing: it says what the request is for.
not_civil(paper) if {
	is_null(paper)
} else if {
	is_string(paper.kind)
	kinds := data.city.civil_process_kinds
	is_array(kinds)
	not paper.kind in kinds
	is_array(paper.earlier_kinds)
	count([kind | some kind in paper.earlier_kinds; kind in kinds]) == 0
	on_no_civil_form(paper)
}

# By number, in whatever way it was written: an immigration body signs these itself.
on_no_civil_form(paper) if {
	is_array(paper.form_numbers)
	forms := data.city.civil_forms
	is_array(forms)
	count([number | some number in paper.form_numbers; number in forms]) == 0
}

names_a_judge(paper) if {
	paper.kind in data.city.criminal_process_kinds
	on_no_civil_form(paper)
	filled(paper.court)
	filled(paper.judge)
	filled(paper.number)
	filled(paper.statute)
}

verified(paper) if {
	names_a_judge(paper)
	paper.verified == true
}

filled(text) if {
	is_string(text)
	trim_space(text) != ""
}
