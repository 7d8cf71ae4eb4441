-- Takes a person out of rows of {rows}, a table or a day of it that is detached. The rows stay, so what counts or refers to
-- them still does. {changes} come from the table's declaration; {which} says which rows, and is checked again here.
-- Index: the one that serves {which}: the primary key where rows are chosen by id, else the table's index by hash or user.
UPDATE {rows} t SET {changes} WHERE {which}
