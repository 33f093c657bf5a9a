"""Results come in the order of the items, and items are read only as they are needed."""

from applied_dl.core.parallel import in_order


def test_order_and_read_ahead():
    read = []

    def items():
        for i in range(20):
            read.append(i)
            yield -i

    found = in_order(abs, items(), processes=2)
    assert next(found) == 0
    assert len(read) <= 5
    assert list(found) == list(range(1, 20))


def test_one_process():
    assert list(in_order(abs, [-3, 2], processes=1)) == [3, 2]
