package sqlstore

import (
	"gorm.io/gorm"
	"gorm.io/gorm/clause"
)

// guardRow is a row of guards.
type guardRow struct {
	Name    string `gorm:"primaryKey"`
	Changes int64
}

func (guardRow) TableName() string { return "guards" }

// administratorsGuard is written by each transaction that may take an active
// administrator away.
const administratorsGuard = "administrators"

// writeGuard keeps this transaction and all others that write the same guard one
// after the other. The number has to change: a row that stays as it is is not
// sent to the other primaries.
func writeGuard(tx *gorm.DB, name string) *gorm.DB {
	return tx.Clauses(clause.OnConflict{
		Columns:   []clause.Column{{Name: "name"}},
		DoUpdates: clause.Assignments(map[string]any{"changes": gorm.Expr("changes + 1")}),
	}).Create(&guardRow{Name: name, Changes: 1})
}
