"""
Closes a month: the bank's statement against the company's ledger.

    cli          the command line
    close        the whole close        reverse   takes a posting back
    book         the Beancount files of a close
    report/      where every line ended
    requests/    what people are asked, and what they said
    postings/    what was approved, appended once
    matching/    which lines and entries are the same money
    month        the inputs of one close
    statement/   the bank's side        ledger/   the company's side
    shared/      money, text, evidence, CSV tables, errors

Each imports only from the lines below it.
"""
