"""What the cards say in words: the same for every version, because it is about the loans and the use."""

USE = """
## Use

Ranks applications of small businesses by the probability that the loan defaults. The policy decides: it corrects
the level to today's portfolio, combines the score with the simulated cash flow and with knock-out rules, and
leaves doubt to a person. Not for consumers, not for prices, not for deciding alone: an AUC near 0.6 means that of a
loan that failed and one that was repaid, the failed one has the higher score six times in ten. A coin gets five."""

LEFT_OUT = """
Left out: every `outcome_` column; the loan's **term**, which the records overwrote for loans that failed (alone it
gives an AUC of 0.958), and whatever follows from it; `sba_guaranteed` and `lowdoc`, which mark the programme and
the lender rather than the applicant; `urban_rural` (an era marker: unknown means old), `jobs_create` and
`jobs_retain` (hardly filled in), `zip3` (within the training months it helped in one month and hurt in another); the
default rates of sectors and states 1987 to 2014, which contain the outcomes of the loans to be predicted."""

INNER = """
## Inside the training months

What the recipe rests on: fitted to the months before, judged uncalibrated on a later one. The smoothing and the size
of the trees are not tuned to the test window: halved or doubled, they move the mean AUC in these months by less than
0.005. Calibration is the choice that counts. The slope sinks towards the end of the training, so the last month,
November, calibrates the model, at a distance at which a model is used. The last column says what each row's slope
would have led to on the test window: with September or October the scores would have been too wide."""

MEASURES = """
## What `fundline model evaluate` prints

It scores any labelled file with the columns of `sba_loans.csv` (CSV, or CSV compressed with gzip; the columns in any
order, others are ignored), with every packaged model or the one of `--model`. Nothing has to run for it. With `--json`
it prints one JSON object per model, one a line; a measure that the rows do not allow is null, and `reasons` says why.

- `rows`, `bad_rate`: loans that were scored, and the share of them with `outcome_default` 1.
- `mean_probability`: mean of the calibrated probabilities p.
- `auc`: Mann-Whitney, the chance that a loan that failed has a higher p than one that was repaid, ties counting half.
- `auc_low`, `auc_high`: 95 % interval, `auc` less and plus 1.96 standard errors of DeLong, kept within 0 to 1.
- `ks`: Kolmogorov-Smirnov, the largest distance between the cumulative shares of p of the two outcomes.
- `brier`: mean of (p - outcome)^2. `brier_base_rate`: the same with the file's own `bad_rate` b for every row,
  which is b (1 - b).
- `calibration_slope`, `calibration_intercept`: both from one logistic regression of the outcome on ln(p / (1 - p)), by
  maximum likelihood without penalty. Perfect are 1 and 0.
- `calibration_in_the_large`: the intercept alone, the slope held at 1. Above 0, more failed than was said.
- `psi`: sum over bins of (a - e) ln(a / e), a the share of the file in the bin, e that of the training months. The bins
  are the deciles of p in training, their upper edge included; the edges are in the manifest. A share of 0 counts as
  0.0001.
- `skipped_rows`, `skipped`: rows that were left out, and for each column that was the cause how many, the line of the
  first, and why.

Left out is a row whose outcome is empty or NaN, or with a number that is empty, NaN, infinite or outside of what an
application can have (amount 1 to 1e9, employees 0 to 1e6, flags 0 or 1). A row whose sector, state
or business age is not known is scored: it speaks neither for nor against; an unknown legal form counts as `other`. The
whole file is refused, with the line, when it is not UTF-8, lacks a column, has a line with too few or too many fields,
a word where a number belongs, or an outcome other than 0 and 1.

`--scores FILE` writes `line,model,probability,outcome_default` for each row, so that every figure can be worked out
again with another program."""

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
