"""What the cards say in words: the same for every version, because it is about the loans and the use."""

USE = """
## Use

Ranks applications of small businesses by the probability that the loan defaults. The policy decides: it corrects
the level to today's portfolio, combines the score with the simulated cash flow and with knock-out rules, and
leaves doubt to a person. Not for consumers, not for prices, not for deciding alone: with an AUC near 0.6, one pair
in five is ranked better than by chance."""

LEFT_OUT = """
Left out: every `outcome_` column; the loan's **term**, which the records overwrote for loans that failed (alone it
gives an AUC of 0.958), and whatever follows from it; `sba_guaranteed` and `lowdoc`, which mark the programme and
the lender rather than the applicant; `urban_rural` (an era marker: unknown means old), `jobs_create` and
`jobs_retain` (hardly filled in), `zip3` (made the out-of-time ranking worse); the default rates of sectors and
states 1987 to 2014, which contain the outcomes of the loans to be predicted."""

SIGNS = """
## Signs

Compared with a scorecard of others on 515,000 modern 7(a) loans: there new businesses, franchises and revolving
lines are riskier. In the training months here, new businesses and franchises failed **less** than others, so both
features weigh nothing in either model rather than point the wrong way: nobody is told that an old business is too
young. Term loans failed more often here than lines; that sign is kept, and is contrary to today's. More employees
never raise the risk in either model. Both models are held to this when they are fitted."""

PUBLISHED = """
## What others report

- The paper the loans come from: a regression on a subset, misclassification 32.16 % on its test half, AUC 0.735 on
  a random split.
- A 515,000-loan out-of-time scorecard without the term: AUC 0.684, KS 0.28, on modern loans with more features.
- Figures of 0.9 and more for these records use the term, which knows the outcome."""

CAVEATS = """
## Caveats

- Approved loans only: nothing is known about those who were turned away.
- Loans of 2004 and 2005 met the crisis of 2008; their default rates of 25 to 30 % are far above today's. The
  policy corrects the level, not the shape.
- About 42 % of the loans since 2004 are one bank's. Dollars are those of 2004; other currencies are brought to
  dollars by round rates.
- The state and the sector may stand for who lives and works there. A lender must test for disparate impact on its
  own applicants; these records cannot.
- About 0.9 % of the labels are wrong."""
