package redaction.retention_test

import data.redaction.retention

test_no_further_back_than_kept if retention.days == data.city.reads_kept_days

test_the_shortest_time_of_the_city_and_its_packs_counts if {
	retention.days == 21 with data.city.packs as ["virginia"]
	retention.days == 7 with data.city.packs as ["virginia"] with data.city.reads_kept_days as 7
}

test_undefined_without_a_number_of_the_citys_own if {
	not retention.days with data.city.reads_kept_days as "31"
	not retention.days with data.city.reads_kept_days as null
	not retention.days with data.city.packs as ["virginia"] with data.city.reads_kept_days as "31"
}
