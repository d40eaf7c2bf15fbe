from fundline.demo.latency import percentiles


def test_percentiles_are_times_that_were_really_measured():
    assert percentiles(number / 1000 for number in range(100, 0, -1)) == (50.0, 95.0, 99.0)


def test_of_a_few_measurements_the_high_percentiles_are_the_slowest():
    assert percentiles([0.010, 0.020, 0.030]) == (20.0, 30.0, 30.0)


def test_nothing_measured_gives_no_percentiles():
    assert percentiles([]) is None
