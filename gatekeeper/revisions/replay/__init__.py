"""What another law would have said to the queries of the past, for those who are to approve it.

The recorded facts of each past decision (``query.decided``, sealed in the log's private detail) are put to
two laws: the *baseline*, as a rule the one in force, and the *candidate*. The clock and every fact come from
the record; nothing is asked of the world as it is now. What happens to each decision, in order:

- ``past``       the decision as the log has it: its facts, what was decided then, or that it was erased
- ``facts``      the words screened anew where a law has another lexicon; rulings that a law lets count
- ``uses``       what the rules of both laws do with each fact, read from the parser's tree
- ``standins``   facts made equal where no rule tells them apart: no text that a person typed is left
- ``answers``    equal facts decided once, always by the engine
- ``tally``      same, newly denied, newly permitted, reasons changed, obligations changed; and for whom
- ``work``       one stretch of the log from reading to tally
- ``pool``       on every processor of this machine; ``cluster``: on many machines, over Dask
- ``run``        the whole: planned, resumed, told, and at the end the ``report``
- ``audit``      the same for a published log of searches, before a city goes live
- ``sheets``     the report as CSV

Guarantees: equal logs and equal laws give an equal report, byte for byte, on however many processes and
however often it was interrupted; what was erased is counted as missing, by day, and never guessed; private
detail that was altered ends the replay with its index; there is no second evaluator.
"""
