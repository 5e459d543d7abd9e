// The tables as look-ups want them: by columns, or by rows that are filled up to whole vectors.
#pragma once

#include "inline.hpp"

namespace logloss::ISA {

// A column fits into a few registers, and looking up is permuting them.
template <class T, int ROWS, int COLUMNS> struct Columns {
    alignas(64) T column[COLUMNS][ROWS];
    constexpr explicit Columns(const T (&table)[ROWS][COLUMNS]) : column() {
        for (int i = 0; i < ROWS; ++i)
            for (int j = 0; j < COLUMNS; ++j) column[j][i] = table[i][j];
    }
};

template <const auto& TABLE> inline constexpr auto columns_of = Columns(TABLE);

// Looking up is loading a row a lane, and turning rows into columns.
template <class T, int ROWS, int COLUMNS> struct Rows {
    static constexpr int spare = 64 / sizeof(T);  // a vector from any column stays inside
    static constexpr int width = (COLUMNS + 2 * spare - 1) / spare * spare;
    alignas(64) T row[ROWS][width];
    constexpr explicit Rows(const T (&table)[ROWS][COLUMNS]) : row() {
        for (int i = 0; i < ROWS; ++i)
            for (int j = 0; j < COLUMNS; ++j) row[i][j] = table[i][j];
    }
};

template <const auto& TABLE> inline constexpr auto rows_of = Rows(TABLE);

}  // namespace logloss::ISA
