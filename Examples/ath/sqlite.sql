-- ATH marketplace as Prisma keeps it in SQLite: 52 tables, 66 foreign keys. Makes the file that the walk in README.md imports:
--     sqlite3 ath.db < Examples/ath/sqlite.sql
-- The data is made, and the same every time. It has what such files have: times as milliseconds (Prisma's engine), as ISO 8601
-- (its driver adapters) and as 'YYYY-MM-DD HH:MM:SS' (raw SQL) in one column, '' and NULL, JSON in texts, some of it broken.

BEGIN;
CREATE TABLE "_prisma_migrations" (
    "id"                    TEXT PRIMARY KEY NOT NULL,
    "checksum"              TEXT NOT NULL,
    "finished_at"           DATETIME,
    "migration_name"        TEXT NOT NULL,
    "logs"                  TEXT,
    "rolled_back_at"        DATETIME,
    "started_at"            DATETIME NOT NULL DEFAULT current_timestamp,
    "applied_steps_count"   INTEGER UNSIGNED NOT NULL DEFAULT 0
);
CREATE TABLE "Setting" (
    "id" INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    "key" TEXT NOT NULL,
    "value" TEXT NOT NULL,
    "updatedAt" DATETIME NOT NULL DEFAULT CURRENT_TIMESTAMP
);
CREATE TABLE "Region" (
    "id" TEXT NOT NULL PRIMARY KEY,
    "name" TEXT NOT NULL,
    "slug" TEXT NOT NULL,
    "level" INTEGER NOT NULL,
    "parentId" TEXT,
    CONSTRAINT "Region_parentId_fkey" FOREIGN KEY ("parentId") REFERENCES "Region" ("id") ON DELETE SET NULL ON UPDATE CASCADE
);
CREATE TABLE "Address" (
    "id" TEXT NOT NULL PRIMARY KEY,
    "line" TEXT NOT NULL,
    "regionId" TEXT NOT NULL,
    CONSTRAINT "Address_regionId_fkey" FOREIGN KEY ("regionId") REFERENCES "Region" ("id") ON DELETE RESTRICT ON UPDATE CASCADE
);
CREATE TABLE "User" (
    "id" TEXT NOT NULL PRIMARY KEY,
    "email" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "passwordHash" TEXT NOT NULL,
    "role" TEXT NOT NULL DEFAULT 'HOMEOWNER',
    "addressId" TEXT,
    "createdAt" DATETIME NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updatedAt" DATETIME NOT NULL DEFAULT CURRENT_TIMESTAMP,
    CONSTRAINT "User_addressId_fkey" FOREIGN KEY ("addressId") REFERENCES "Address" ("id") ON DELETE SET NULL ON UPDATE CASCADE
);
CREATE TABLE "Session" (
    "id" TEXT NOT NULL PRIMARY KEY,
    "userId" TEXT NOT NULL,
    "tokenSelector" TEXT NOT NULL,
    "tokenVerifier" TEXT NOT NULL,
    "previousVerifier" TEXT,
    "rotations" BIGINT NOT NULL DEFAULT 0,
    "expiresAt" DATETIME NOT NULL,
    "createdAt" DATETIME NOT NULL DEFAULT CURRENT_TIMESTAMP,
    CONSTRAINT "Session_userId_fkey" FOREIGN KEY ("userId") REFERENCES "User" ("id") ON DELETE CASCADE ON UPDATE CASCADE
);
CREATE TABLE "BlacklistedToken" (
    "id" TEXT NOT NULL PRIMARY KEY,
    "token" TEXT NOT NULL,
    "userId" TEXT,
    "expiresAt" DATETIME NOT NULL,
    CONSTRAINT "BlacklistedToken_userId_fkey" FOREIGN KEY ("userId") REFERENCES "User" ("id") ON DELETE SET NULL ON UPDATE CASCADE
);
CREATE TABLE "PasswordReset" (
    "id" TEXT NOT NULL PRIMARY KEY,
    "userId" TEXT NOT NULL,
    "tokenHash" TEXT NOT NULL,
    CONSTRAINT "PasswordReset_userId_fkey" FOREIGN KEY ("userId") REFERENCES "User" ("id") ON DELETE CASCADE ON UPDATE CASCADE
);
CREATE TABLE "EmailVerification" (
    "id" TEXT NOT NULL PRIMARY KEY,
    "userId" TEXT NOT NULL,
    "verifiedAt" DATETIME,
    CONSTRAINT "EmailVerification_userId_fkey" FOREIGN KEY ("userId") REFERENCES "User" ("id") ON DELETE CASCADE ON UPDATE CASCADE
);
CREATE TABLE "LoginAttempt" (
    "id" INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    "email" TEXT NOT NULL,
    "succeeded" BOOLEAN NOT NULL,
    "createdAt" DATETIME NOT NULL DEFAULT CURRENT_TIMESTAMP
);
CREATE TABLE "UserPreference" (
    "userId" TEXT NOT NULL PRIMARY KEY,
    "language" TEXT NOT NULL DEFAULT 'vi',
    "data" JSONB NOT NULL DEFAULT '{}',
    CONSTRAINT "UserPreference_userId_fkey" FOREIGN KEY ("userId") REFERENCES "User" ("id") ON DELETE CASCADE ON UPDATE CASCADE
);
CREATE TABLE "AuditLog" (
    "id" TEXT NOT NULL PRIMARY KEY,
    "userId" TEXT,
    "eventType" TEXT NOT NULL,
    "metadata" TEXT,
    "createdAt" DATETIME NOT NULL DEFAULT CURRENT_TIMESTAMP,
    CONSTRAINT "AuditLog_userId_fkey" FOREIGN KEY ("userId") REFERENCES "User" ("id") ON DELETE NO ACTION ON UPDATE NO ACTION
);
CREATE TABLE "ServiceCategory" (
    "id" TEXT NOT NULL PRIMARY KEY,
    "name" TEXT NOT NULL
);
CREATE TABLE "UnitPrice" (
    "id" TEXT NOT NULL PRIMARY KEY,
    "categoryId" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "price" REAL NOT NULL,
    CONSTRAINT "UnitPrice_categoryId_fkey" FOREIGN KEY ("categoryId") REFERENCES "ServiceCategory" ("id") ON DELETE RESTRICT ON UPDATE CASCADE
);
CREATE TABLE "MaterialCategory" (
    "id" TEXT NOT NULL PRIMARY KEY,
    "name" TEXT NOT NULL
);
CREATE TABLE "Material" (
    "id" TEXT NOT NULL PRIMARY KEY,
    "categoryId" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "price" REAL NOT NULL,
    CONSTRAINT "Material_categoryId_fkey" FOREIGN KEY ("categoryId") REFERENCES "MaterialCategory" ("id") ON DELETE RESTRICT ON UPDATE CASCADE
);
CREATE TABLE "Formula" (
    "id" TEXT NOT NULL PRIMARY KEY,
    "categoryId" TEXT NOT NULL,
    "expression" TEXT NOT NULL,
    CONSTRAINT "Formula_categoryId_fkey" FOREIGN KEY ("categoryId") REFERENCES "ServiceCategory" ("id") ON DELETE RESTRICT ON UPDATE CASCADE
);
CREATE TABLE "Quote" (
    "id" TEXT NOT NULL PRIMARY KEY,
    "userId" TEXT,
    "formulaId" TEXT NOT NULL,
    "regionId" TEXT,
    "total" REAL NOT NULL,
    CONSTRAINT "Quote_userId_fkey" FOREIGN KEY ("userId") REFERENCES "User" ("id") ON DELETE SET NULL ON UPDATE CASCADE,
    CONSTRAINT "Quote_formulaId_fkey" FOREIGN KEY ("formulaId") REFERENCES "Formula" ("id") ON DELETE RESTRICT ON UPDATE CASCADE,
    CONSTRAINT "Quote_regionId_fkey" FOREIGN KEY ("regionId") REFERENCES "Region" ("id") ON DELETE SET NULL ON UPDATE CASCADE
);
CREATE TABLE "ContractorProfile" (
    "id" TEXT NOT NULL PRIMARY KEY,
    "userId" TEXT NOT NULL,
    "companyName" TEXT NOT NULL,
    "regionId" TEXT,
    "profileViews" BIGINT NOT NULL DEFAULT 0,
    CONSTRAINT "ContractorProfile_userId_fkey" FOREIGN KEY ("userId") REFERENCES "User" ("id") ON DELETE CASCADE ON UPDATE CASCADE,
    CONSTRAINT "ContractorProfile_regionId_fkey" FOREIGN KEY ("regionId") REFERENCES "Region" ("id") ON DELETE SET NULL ON UPDATE CASCADE
);
CREATE TABLE "ContractorDocument" (
    "id" TEXT NOT NULL PRIMARY KEY,
    "contractorId" TEXT NOT NULL,
    "kind" TEXT NOT NULL,
    "url" TEXT NOT NULL,
    CONSTRAINT "ContractorDocument_contractorId_fkey" FOREIGN KEY ("contractorId") REFERENCES "ContractorProfile" ("id") ON DELETE CASCADE ON UPDATE CASCADE
);
CREATE TABLE "ContractorRanking" (
    "id" TEXT NOT NULL PRIMARY KEY,
    "contractorId" TEXT NOT NULL,
    "rank" INTEGER NOT NULL,
    "totalScore" REAL NOT NULL,
    "isFeatured" BOOLEAN NOT NULL DEFAULT false,
    CONSTRAINT "ContractorRanking_contractorId_fkey" FOREIGN KEY ("contractorId") REFERENCES "User" ("id") ON DELETE RESTRICT ON UPDATE CASCADE
);
CREATE TABLE "Portfolio" (
    "id" TEXT NOT NULL PRIMARY KEY,
    "contractorId" TEXT NOT NULL,
    "title" TEXT NOT NULL,
    CONSTRAINT "Portfolio_contractorId_fkey" FOREIGN KEY ("contractorId") REFERENCES "ContractorProfile" ("id") ON DELETE CASCADE ON UPDATE CASCADE
);
CREATE TABLE "PortfolioImage" (
    "id" TEXT NOT NULL PRIMARY KEY,
    "portfolioId" TEXT NOT NULL,
    "url" TEXT NOT NULL,
    CONSTRAINT "PortfolioImage_portfolioId_fkey" FOREIGN KEY ("portfolioId") REFERENCES "Portfolio" ("id") ON DELETE CASCADE ON UPDATE CASCADE
);
CREATE TABLE "Skill" (
    "id" TEXT NOT NULL PRIMARY KEY,
    "name" TEXT NOT NULL
);
CREATE TABLE "_ContractorSkills" (
    "A" TEXT NOT NULL,
    "B" TEXT NOT NULL,
    CONSTRAINT "_ContractorSkills_A_fkey" FOREIGN KEY ("A") REFERENCES "ContractorProfile" ("id") ON DELETE CASCADE ON UPDATE CASCADE,
    CONSTRAINT "_ContractorSkills_B_fkey" FOREIGN KEY ("B") REFERENCES "Skill" ("id") ON DELETE CASCADE ON UPDATE CASCADE
);
CREATE TABLE "VerificationRequest" (
    "id" TEXT NOT NULL PRIMARY KEY,
    "contractorId" TEXT NOT NULL,
    "reviewedBy" TEXT,
    "approved" BOOLEAN,
    CONSTRAINT "VerificationRequest_contractorId_fkey" FOREIGN KEY ("contractorId") REFERENCES "ContractorProfile" ("id") ON DELETE RESTRICT ON UPDATE CASCADE,
    CONSTRAINT "VerificationRequest_reviewedBy_fkey" FOREIGN KEY ("reviewedBy") REFERENCES "User" ("id") ON DELETE SET NULL ON UPDATE CASCADE
);
CREATE TABLE "Project" (
    "id" TEXT NOT NULL PRIMARY KEY,
    "code" TEXT NOT NULL,
    "title" TEXT NOT NULL,
    "ownerId" TEXT NOT NULL,
    "regionId" TEXT NOT NULL,
    "categoryId" TEXT NOT NULL,
    "status" TEXT NOT NULL DEFAULT 'DRAFT',
    "budget" REAL,
    "selectedBidId" TEXT,
    "viewCount" BIGINT NOT NULL DEFAULT 0,
    "publishedAt" DATETIME,
    "updatedAt" DATETIME NOT NULL DEFAULT CURRENT_TIMESTAMP,
    CONSTRAINT "Project_ownerId_fkey" FOREIGN KEY ("ownerId") REFERENCES "User" ("id") ON DELETE RESTRICT ON UPDATE CASCADE,
    CONSTRAINT "Project_regionId_fkey" FOREIGN KEY ("regionId") REFERENCES "Region" ("id") ON DELETE RESTRICT ON UPDATE CASCADE,
    CONSTRAINT "Project_categoryId_fkey" FOREIGN KEY ("categoryId") REFERENCES "ServiceCategory" ("id") ON DELETE RESTRICT ON UPDATE CASCADE,
    CONSTRAINT "Project_selectedBidId_fkey" FOREIGN KEY ("selectedBidId") REFERENCES "Bid" ("id") ON DELETE SET NULL ON UPDATE CASCADE
);
CREATE TABLE "Bid" (
    "id" TEXT NOT NULL PRIMARY KEY,
    "code" TEXT NOT NULL,
    "projectId" TEXT NOT NULL,
    "contractorId" TEXT NOT NULL,
    "price" REAL NOT NULL,
    "status" TEXT NOT NULL DEFAULT 'PENDING',
    "createdAt" DATETIME NOT NULL DEFAULT CURRENT_TIMESTAMP,
    CONSTRAINT "Bid_projectId_fkey" FOREIGN KEY ("projectId") REFERENCES "Project" ("id") ON DELETE CASCADE ON UPDATE CASCADE,
    CONSTRAINT "Bid_contractorId_fkey" FOREIGN KEY ("contractorId") REFERENCES "User" ("id") ON DELETE RESTRICT ON UPDATE CASCADE
);
CREATE TABLE "ProjectImage" (
    "id" TEXT NOT NULL PRIMARY KEY,
    "projectId" TEXT NOT NULL,
    "url" TEXT NOT NULL,
    CONSTRAINT "ProjectImage_projectId_fkey" FOREIGN KEY ("projectId") REFERENCES "Project" ("id") ON DELETE CASCADE ON UPDATE CASCADE
);
CREATE TABLE "ProjectStatusHistory" (
    "id" INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    "projectId" TEXT NOT NULL,
    "status" TEXT NOT NULL,
    "changedAt" DATETIME NOT NULL DEFAULT CURRENT_TIMESTAMP,
    CONSTRAINT "ProjectStatusHistory_projectId_fkey" FOREIGN KEY ("projectId") REFERENCES "Project" ("id") ON DELETE CASCADE ON UPDATE CASCADE
);
CREATE TABLE "ProjectQuestion" (
    "id" TEXT NOT NULL PRIMARY KEY,
    "projectId" TEXT NOT NULL,
    "askedBy" TEXT NOT NULL,
    "body" TEXT NOT NULL,
    CONSTRAINT "ProjectQuestion_projectId_fkey" FOREIGN KEY ("projectId") REFERENCES "Project" ("id") ON DELETE CASCADE ON UPDATE CASCADE,
    CONSTRAINT "ProjectQuestion_askedBy_fkey" FOREIGN KEY ("askedBy") REFERENCES "User" ("id") ON DELETE RESTRICT ON UPDATE CASCADE
);
CREATE TABLE "SavedProject" (
    "userId" TEXT NOT NULL,
    "projectId" TEXT NOT NULL,
    PRIMARY KEY ("userId", "projectId"),
    CONSTRAINT "SavedProject_userId_fkey" FOREIGN KEY ("userId") REFERENCES "User" ("id") ON DELETE CASCADE ON UPDATE CASCADE,
    CONSTRAINT "SavedProject_projectId_fkey" FOREIGN KEY ("projectId") REFERENCES "Project" ("id") ON DELETE CASCADE ON UPDATE CASCADE
);
CREATE TABLE "BidAttachment" (
    "id" TEXT NOT NULL PRIMARY KEY,
    "bidId" TEXT NOT NULL,
    "url" TEXT NOT NULL,
    CONSTRAINT "BidAttachment_bidId_fkey" FOREIGN KEY ("bidId") REFERENCES "Bid" ("id") ON DELETE CASCADE ON UPDATE CASCADE
);
CREATE TABLE "Match" (
    "id" TEXT NOT NULL PRIMARY KEY,
    "projectId" TEXT NOT NULL,
    "bidId" TEXT NOT NULL,
    CONSTRAINT "Match_projectId_fkey" FOREIGN KEY ("projectId") REFERENCES "Project" ("id") ON DELETE RESTRICT ON UPDATE CASCADE,
    CONSTRAINT "Match_bidId_fkey" FOREIGN KEY ("bidId") REFERENCES "Bid" ("id") ON DELETE RESTRICT ON UPDATE CASCADE
);
CREATE TABLE "Milestone" (
    "id" TEXT NOT NULL PRIMARY KEY,
    "matchId" TEXT NOT NULL,
    "title" TEXT NOT NULL,
    "done" BOOLEAN NOT NULL DEFAULT false,
    CONSTRAINT "Milestone_matchId_fkey" FOREIGN KEY ("matchId") REFERENCES "Match" ("id") ON DELETE CASCADE ON UPDATE CASCADE
);
CREATE TABLE "Escrow" (
    "id" TEXT NOT NULL PRIMARY KEY,
    "matchId" TEXT NOT NULL,
    "amount" REAL NOT NULL,
    "state" TEXT NOT NULL DEFAULT 'HELD',
    CONSTRAINT "Escrow_matchId_fkey" FOREIGN KEY ("matchId") REFERENCES "Match" ("id") ON DELETE RESTRICT ON UPDATE CASCADE
);
CREATE TABLE "EscrowEvent" (
    "id" TEXT NOT NULL PRIMARY KEY,
    "escrowId" TEXT NOT NULL,
    "note" TEXT NOT NULL,
    CONSTRAINT "EscrowEvent_escrowId_fkey" FOREIGN KEY ("escrowId") REFERENCES "Escrow" ("id") ON DELETE CASCADE ON UPDATE CASCADE
);
CREATE TABLE "FeeTransaction" (
    "id" TEXT NOT NULL PRIMARY KEY,
    "escrowId" TEXT NOT NULL,
    "userId" TEXT NOT NULL,
    "amount" REAL NOT NULL,
    CONSTRAINT "FeeTransaction_escrowId_fkey" FOREIGN KEY ("escrowId") REFERENCES "Escrow" ("id") ON DELETE RESTRICT ON UPDATE CASCADE,
    CONSTRAINT "FeeTransaction_userId_fkey" FOREIGN KEY ("userId") REFERENCES "User" ("id") ON DELETE RESTRICT ON UPDATE CASCADE
);
CREATE TABLE "Invoice" (
    "id" TEXT NOT NULL PRIMARY KEY,
    "number" BIGINT NOT NULL,
    "feeId" TEXT NOT NULL,
    CONSTRAINT "Invoice_feeId_fkey" FOREIGN KEY ("feeId") REFERENCES "FeeTransaction" ("id") ON DELETE RESTRICT ON UPDATE CASCADE
);
CREATE TABLE "PaymentMethod" (
    "id" TEXT NOT NULL PRIMARY KEY,
    "userId" TEXT NOT NULL,
    "label" TEXT NOT NULL,
    CONSTRAINT "PaymentMethod_userId_fkey" FOREIGN KEY ("userId") REFERENCES "User" ("id") ON DELETE CASCADE ON UPDATE CASCADE
);
CREATE TABLE "Payout" (
    "id" TEXT NOT NULL PRIMARY KEY,
    "escrowId" TEXT NOT NULL,
    "methodId" TEXT,
    "amount" REAL NOT NULL,
    CONSTRAINT "Payout_escrowId_fkey" FOREIGN KEY ("escrowId") REFERENCES "Escrow" ("id") ON DELETE RESTRICT ON UPDATE CASCADE,
    CONSTRAINT "Payout_methodId_fkey" FOREIGN KEY ("methodId") REFERENCES "PaymentMethod" ("id") ON DELETE SET NULL ON UPDATE CASCADE
);
CREATE TABLE "Dispute" (
    "id" TEXT NOT NULL PRIMARY KEY,
    "escrowId" TEXT NOT NULL,
    "openedBy" TEXT NOT NULL,
    "reason" TEXT NOT NULL,
    CONSTRAINT "Dispute_escrowId_fkey" FOREIGN KEY ("escrowId") REFERENCES "Escrow" ("id") ON DELETE RESTRICT ON UPDATE CASCADE,
    CONSTRAINT "Dispute_openedBy_fkey" FOREIGN KEY ("openedBy") REFERENCES "User" ("id") ON DELETE RESTRICT ON UPDATE CASCADE
);
CREATE TABLE "Review" (
    "id" TEXT NOT NULL PRIMARY KEY,
    "projectId" TEXT NOT NULL,
    "reviewerId" TEXT NOT NULL,
    "contractorId" TEXT NOT NULL,
    "rating" INTEGER NOT NULL,
    "comment" TEXT,
    "isDeleted" BOOLEAN NOT NULL DEFAULT false,
    "createdAt" DATETIME NOT NULL DEFAULT CURRENT_TIMESTAMP,
    CONSTRAINT "Review_projectId_fkey" FOREIGN KEY ("projectId") REFERENCES "Project" ("id") ON DELETE RESTRICT ON UPDATE CASCADE,
    CONSTRAINT "Review_reviewerId_fkey" FOREIGN KEY ("reviewerId") REFERENCES "User" ("id") ON DELETE RESTRICT ON UPDATE CASCADE,
    CONSTRAINT "Review_contractorId_fkey" FOREIGN KEY ("contractorId") REFERENCES "User" ("id") ON DELETE RESTRICT ON UPDATE CASCADE
);
CREATE TABLE "ReviewImage" (
    "id" TEXT NOT NULL PRIMARY KEY,
    "reviewId" TEXT NOT NULL,
    "url" TEXT NOT NULL,
    CONSTRAINT "ReviewImage_reviewId_fkey" FOREIGN KEY ("reviewId") REFERENCES "Review" ("id") ON DELETE CASCADE ON UPDATE CASCADE
);
CREATE TABLE "NotificationTemplate" (
    "id" TEXT NOT NULL PRIMARY KEY,
    "name" TEXT NOT NULL,
    "body" TEXT NOT NULL
);
CREATE TABLE "Notification" (
    "id" TEXT NOT NULL PRIMARY KEY,
    "userId" TEXT NOT NULL,
    "templateId" TEXT,
    "title" TEXT NOT NULL,
    "isRead" BOOLEAN NOT NULL DEFAULT false,
    "createdAt" DATETIME NOT NULL DEFAULT CURRENT_TIMESTAMP,
    CONSTRAINT "Notification_userId_fkey" FOREIGN KEY ("userId") REFERENCES "User" ("id") ON DELETE CASCADE ON UPDATE CASCADE,
    CONSTRAINT "Notification_templateId_fkey" FOREIGN KEY ("templateId") REFERENCES "NotificationTemplate" ("id") ON DELETE SET NULL ON UPDATE CASCADE
);
CREATE TABLE "ScheduledNotification" (
    "id" TEXT NOT NULL PRIMARY KEY,
    "userId" TEXT NOT NULL,
    "templateId" TEXT,
    "status" TEXT NOT NULL DEFAULT 'PENDING',
    "scheduledFor" DATETIME NOT NULL,
    CONSTRAINT "ScheduledNotification_userId_fkey" FOREIGN KEY ("userId") REFERENCES "User" ("id") ON DELETE CASCADE ON UPDATE CASCADE,
    CONSTRAINT "ScheduledNotification_templateId_fkey" FOREIGN KEY ("templateId") REFERENCES "NotificationTemplate" ("id") ON DELETE SET NULL ON UPDATE CASCADE
);
CREATE TABLE "PushDevice" (
    "id" TEXT NOT NULL PRIMARY KEY,
    "userId" TEXT NOT NULL,
    "token" TEXT NOT NULL,
    CONSTRAINT "PushDevice_userId_fkey" FOREIGN KEY ("userId") REFERENCES "User" ("id") ON DELETE CASCADE ON UPDATE CASCADE
);
CREATE TABLE "Conversation" (
    "id" TEXT NOT NULL PRIMARY KEY,
    "projectId" TEXT,
    CONSTRAINT "Conversation_projectId_fkey" FOREIGN KEY ("projectId") REFERENCES "Project" ("id") ON DELETE SET NULL ON UPDATE CASCADE
);
CREATE TABLE "ConversationMember" (
    "conversationId" TEXT NOT NULL,
    "userId" TEXT NOT NULL,
    PRIMARY KEY ("conversationId", "userId"),
    CONSTRAINT "ConversationMember_conversationId_fkey" FOREIGN KEY ("conversationId") REFERENCES "Conversation" ("id") ON DELETE CASCADE ON UPDATE CASCADE,
    CONSTRAINT "ConversationMember_userId_fkey" FOREIGN KEY ("userId") REFERENCES "User" ("id") ON DELETE RESTRICT ON UPDATE CASCADE
);
CREATE TABLE "Message" (
    "id" TEXT NOT NULL PRIMARY KEY,
    "conversationId" TEXT NOT NULL,
    "senderId" TEXT NOT NULL,
    "body" TEXT NOT NULL,
    "createdAt" DATETIME NOT NULL DEFAULT CURRENT_TIMESTAMP,
    CONSTRAINT "Message_conversationId_fkey" FOREIGN KEY ("conversationId") REFERENCES "Conversation" ("id") ON DELETE CASCADE ON UPDATE CASCADE,
    CONSTRAINT "Message_senderId_fkey" FOREIGN KEY ("senderId") REFERENCES "User" ("id") ON DELETE RESTRICT ON UPDATE CASCADE
);
CREATE TABLE "BlogPost" (
    "id" TEXT NOT NULL PRIMARY KEY,
    "slug" TEXT NOT NULL,
    "title" TEXT NOT NULL,
    "authorId" TEXT NOT NULL,
    "publishedAt" DATETIME,
    CONSTRAINT "BlogPost_authorId_fkey" FOREIGN KEY ("authorId") REFERENCES "User" ("id") ON DELETE RESTRICT ON UPDATE CASCADE
);

-- Numbers to make rows from, and moments of time in the three forms. They are gone with the connection.
CREATE TEMP TABLE numbers (n INTEGER PRIMARY KEY);
INSERT INTO numbers WITH RECURSIVE up (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM up WHERE n < 3000) SELECT n FROM up;
-- Minute n from May 2025 on: Prisma's engine, its driver adapters and raw SQL took turns.
CREATE TEMP TABLE moments (n INTEGER PRIMARY KEY, moment);
INSERT INTO moments
SELECT n, CASE n % 4 WHEN 1 THEN datetime('2025-05-01', n || ' minutes')
                     WHEN 2 THEN strftime('%Y-%m-%dT%H:%M:%f+00:00', '2025-05-01', n || ' minutes')
                     ELSE unixepoch('2025-05-01', n || ' minutes') * 1000 + n % 1000 END
  FROM numbers;
CREATE TEMP TABLE people (n INTEGER PRIMARY KEY, name TEXT);
INSERT INTO people
SELECT n, (SELECT value FROM json_each('["Nguyễn","Trần","Lê","Phạm","Hoàng","Đặng","Bùi"]') WHERE key = n % 7) || ' '
       || (SELECT value FROM json_each('["Văn","Thị","Hữu","Ngọc","Đức"]') WHERE key = n / 7 % 5) || ' '
       || (SELECT value FROM json_each('["An","Bình","Dũng","Hạnh","Khánh","Lan","Phương","Quỳnh","Sơn","Yến","Ước"]') WHERE key = n % 11)
  FROM numbers WHERE n <= 600;
CREATE TEMP TABLE tokens (n INTEGER PRIMARY KEY, token TEXT);
INSERT INTO tokens
SELECT n, printf('%08x%08x%08x%08x', n * 2654435761 % 4294967296, n * 40503 + 7, n * 2246822519 % 4294967296, n)
  FROM numbers;

INSERT INTO "_prisma_migrations"
SELECT printf('%08x-0000-4000-8000-%012x', n * 7919, n), token || token, unixepoch('2025-01-02', (n * 9) || ' days') * 1000 + 250,
       '2025010' || n || '080000_step', NULL, NULL, unixepoch('2025-01-02', (n * 9) || ' days') * 1000, 1
  FROM numbers JOIN tokens USING (n) WHERE n <= 6;
INSERT INTO "Setting" ("key", "value", "updatedAt") SELECT 'setting.' || n, n, unixepoch('2025-01-01') * 1000 FROM numbers WHERE n <= 25;
INSERT INTO "Region"
SELECT 'p' || n, (SELECT value FROM json_each('["Hà Nội","Đà Nẵng","Hải Phòng","Cần Thơ","Thừa Thiên Huế"]') WHERE key = n - 1), 'p' || n, 1, NULL
  FROM numbers WHERE n <= 5;
INSERT INTO "Region" SELECT 'd' || n, 'Quận ' || n, 'd' || n, 2, 'p' || (1 + n % 5) FROM numbers WHERE n <= 25;
INSERT INTO "Region" SELECT 'w' || n, 'Phường ' || n, 'w' || n, 3, 'd' || (1 + n % 25) FROM numbers WHERE n <= 150;
INSERT INTO "Address" SELECT 'address' || n, n || ' đường Lê Lợi', 'w' || (1 + n % 150) FROM numbers WHERE n <= 200;
-- Users 1 to 400 own homes, 401 to 580 are contractors, the last 20 are admins.
INSERT INTO "User"
SELECT 'user' || n, 'user' || n || '@ath.example', name, token, CASE WHEN n <= 400 THEN 'HOMEOWNER' WHEN n <= 580 THEN 'CONTRACTOR' ELSE 'ADMIN' END,
       CASE WHEN n <= 200 THEN 'address' || n END, unixepoch('2024-09-01', n || ' hours') * 1000, unixepoch('2024-10-01') * 1000
  FROM people JOIN tokens USING (n);
INSERT INTO "Session"
SELECT 'session' || n, 'user' || (1 + n % 600), token, 'v' || token, CASE WHEN n % 10 = 0 THEN '' END, n % 5,
       unixepoch('2099-01-01', n || ' minutes') * 1000, unixepoch('2025-05-01') * 1000
  FROM tokens WHERE n <= 900;
INSERT INTO "BlacklistedToken" SELECT 'black' || n, token, 'user' || n, unixepoch('2025-06-01') * 1000 FROM tokens WHERE n <= 120;
INSERT INTO "PasswordReset" SELECT 'reset' || n, 'user' || n, token FROM tokens WHERE n <= 40;
INSERT INTO "EmailVerification" SELECT 'verify' || n, 'user' || n, CASE WHEN n % 9 > 0 THEN unixepoch('2024-10-01') * 1000 END FROM numbers WHERE n <= 600;
-- The last five were deleted: their ids must not be given out again.
INSERT INTO "LoginAttempt" ("email", "succeeded", "createdAt")
SELECT 'user' || (1 + n % 600) || '@ath.example', n % 7 > 0, moment FROM moments WHERE n <= 805;
DELETE FROM "LoginAttempt" WHERE "id" > 800;
INSERT INTO "UserPreference"
SELECT 'user' || n, 'vi', json_object('theme', CASE n % 2 WHEN 0 THEN 'tối' ELSE 'sáng' END, 'pageSize', n % 3 * 10 + 10) FROM numbers WHERE n <= 300;
-- JSON as text: some is empty, some is no JSON.
INSERT INTO "AuditLog"
SELECT 'audit' || n, CASE WHEN n % 50 > 0 THEN 'user' || (1 + n % 600) END,
       CASE n % 3 WHEN 0 THEN 'LOGIN' WHEN 1 THEN 'LOGOUT' ELSE 'REFRESH' END,
       CASE WHEN n % 89 = 0 THEN NULL WHEN n % 97 = 0 THEN '' WHEN n % 500 = 0 THEN 'ip=192.0.2.' || (n / 500)
            ELSE json_object('ip', '192.0.2.' || (n % 250), 'lỗi', NULL) END, moment
  FROM moments WHERE n <= 2000;
INSERT INTO "ServiceCategory"
SELECT 'category' || (key + 1), value
  FROM json_each('["Sơn nhà","Điện nước","Chống thấm","Ốp lát","Trần thạch cao","Mái tôn","Nội thất","Cửa nhôm kính","Sân vườn","Phá dỡ","Móng","Xây thô"]');
INSERT INTO "UnitPrice" SELECT 'price' || n, 'category' || (1 + n % 12), 'Việc ' || n, 50000 + n * 1000.1 FROM numbers WHERE n <= 60;
INSERT INTO "MaterialCategory" SELECT 'matcat' || n, 'Loại vật liệu ' || n FROM numbers WHERE n <= 6;
INSERT INTO "Material" SELECT 'material' || n, 'matcat' || (1 + n % 6), 'Vật liệu ' || n, 20000 + n / 3.0 FROM numbers WHERE n <= 90;
INSERT INTO "Formula" SELECT 'formula' || n, 'category' || n, 'area * price' FROM numbers WHERE n <= 12;
INSERT INTO "Quote" SELECT 'quote' || n, 'user' || (1 + n % 400), 'formula' || (1 + n % 12), 'd' || (1 + n % 25), 1000000 + n * 1000 FROM numbers WHERE n <= 150;
INSERT INTO "ContractorProfile"
SELECT 'contractor' || n, 'user' || (400 + n), 'Công ty Xây dựng ' || n, 'd' || (1 + n % 25), CASE n WHEN 1 THEN 3000000000 ELSE n END FROM numbers WHERE n <= 180;
INSERT INTO "ContractorDocument" SELECT 'document' || n, 'contractor' || (1 + n % 180), 'licence', '/files/' || n FROM numbers WHERE n <= 200;
INSERT INTO "ContractorRanking" SELECT 'ranking' || n, 'user' || (400 + n), n, 100 - n * 0.5, n <= 10 FROM numbers WHERE n <= 180;
INSERT INTO "Portfolio" SELECT 'portfolio' || n, 'contractor' || n, 'Công trình ' || n FROM numbers WHERE n <= 100;
INSERT INTO "PortfolioImage" SELECT 'pimage' || n, 'portfolio' || (1 + n % 100), '/images/' || n FROM numbers WHERE n <= 250;
INSERT INTO "Skill" SELECT 'skill' || n, 'Kỹ năng ' || n FROM numbers WHERE n <= 15;
INSERT INTO "_ContractorSkills"
SELECT 'contractor' || c.n, 'skill' || (1 + (c.n + k.n) % 15) FROM numbers c JOIN numbers k ON k.n <= 3 WHERE c.n <= 180 ORDER BY c.n, k.n;
INSERT INTO "VerificationRequest"
SELECT 'vrequest' || n, 'contractor' || n, 'user' || (581 + n % 20), CASE WHEN n % 4 > 0 THEN n % 4 < 3 END FROM numbers WHERE n <= 60;
-- A project names the bid that won, a bid names its project.
INSERT INTO "Project"
SELECT 'project' || n, 'PRJ-' || n, 'Công trình ' || n || CASE n % 20 WHEN 0 THEN ' 🏠' ELSE '' END, 'user' || (1 + n % 400), 'd' || (1 + n % 25), 'category' || (1 + n % 12),
       CASE WHEN n <= 120 THEN 'MATCHED' WHEN n % 4 < 2 THEN 'OPEN' WHEN n % 4 = 2 THEN 'DRAFT' ELSE 'CANCELLED' END,
       CASE WHEN n % 30 > 0 THEN 5000000 + n * 10000.25 END, CASE WHEN n <= 120 THEN 'bid' || n || '-1' END, n,
       CASE WHEN n % 4 <> 2 THEN unixepoch('2025-02-01', n || ' hours') * 1000 END, unixepoch('2025-03-01') * 1000
  FROM numbers WHERE n <= 500;
INSERT INTO "Bid"
SELECT 'bid' || p.n || '-' || k.n, 'BID-' || p.n || '-' || k.n, 'project' || p.n, 'user' || (401 + (p.n * 3 + k.n) % 180), 4000000 + p.n * 9000 + k.n * 1000,
       CASE WHEN p.n <= 120 AND k.n = 1 THEN 'SELECTED' ELSE 'PENDING' END, unixepoch('2025-02-10', p.n || ' hours') * 1000
  FROM numbers p JOIN numbers k ON k.n <= 3 WHERE p.n <= 500 ORDER BY p.n, k.n;
INSERT INTO "ProjectImage" SELECT 'image' || n, 'project' || (1 + n % 500), '/images/' || n FROM numbers WHERE n <= 700;
INSERT INTO "ProjectStatusHistory" ("projectId", "status", "changedAt") SELECT 'project' || n, 'OPEN', unixepoch('2025-02-01') * 1000 FROM numbers WHERE n <= 500;
INSERT INTO "ProjectQuestion" SELECT 'question' || n, 'project' || (1 + n % 500), 'user' || (401 + n % 180), 'Khi nào bắt đầu?' FROM numbers WHERE n <= 90;
INSERT INTO "SavedProject" SELECT 'user' || (401 + n % 180), 'project' || n FROM numbers WHERE n <= 260;
INSERT INTO "BidAttachment" SELECT 'attachment' || n, 'bid' || n || '-1', '/files/b' || n FROM numbers WHERE n <= 200;
INSERT INTO "Match" SELECT 'match' || n, 'project' || n, 'bid' || n || '-1' FROM numbers WHERE n <= 120;
INSERT INTO "Milestone" SELECT 'milestone' || m.n || '-' || k.n, 'match' || m.n, 'Bước ' || k.n, k.n = 1 FROM numbers m JOIN numbers k ON k.n <= 3 WHERE m.n <= 120 ORDER BY m.n, k.n;
INSERT INTO "Escrow" SELECT 'escrow' || n, 'match' || n, 400000 + n * 900.1, CASE n % 4 WHEN 0 THEN 'RELEASED' ELSE 'HELD' END FROM numbers WHERE n <= 120;
INSERT INTO "EscrowEvent" SELECT 'eevent' || n, 'escrow' || n, 'opened' FROM numbers WHERE n <= 120;
INSERT INTO "FeeTransaction" SELECT 'fee' || n, 'escrow' || n, 'user' || (401 + n), 40000 FROM numbers WHERE n <= 100;
INSERT INTO "Invoice" SELECT 'invoice' || n, 6999 + n, 'fee' || n FROM numbers WHERE n <= 100;
INSERT INTO "PaymentMethod" SELECT 'method' || n, 'user' || (400 + n), 'Ngân hàng' FROM numbers WHERE n <= 90;
INSERT INTO "Payout" SELECT 'payout' || n, 'escrow' || (n * 4), 'method' || n, 300000.5 FROM numbers WHERE n <= 30;
INSERT INTO "Dispute" SELECT 'dispute' || n, 'escrow' || n, 'user' || n, 'trễ hẹn' FROM numbers WHERE n <= 8;
INSERT INTO "Review"
SELECT 'review' || n, 'project' || n, 'user' || (1 + n % 400), 'user' || (401 + (n * 3 + 1) % 180), 1 + n % 5,
       CASE WHEN n % 5 = 0 THEN NULL WHEN n % 7 = 0 THEN '' ELSE 'Rất tốt, đáng tiền. ' || n END, n % 40 = 0, unixepoch('2025-04-01', n || ' hours') * 1000
  FROM numbers WHERE n <= 120;
INSERT INTO "ReviewImage" SELECT 'rimage' || n, 'review' || n, '/images/r' || n FROM numbers WHERE n <= 50;
INSERT INTO "NotificationTemplate" SELECT 'template' || n, 'Mẫu ' || n, 'Xin chào {{name}}' FROM numbers WHERE n <= 8;
INSERT INTO "Notification"
SELECT 'notification' || n, 'user' || (1 + n % 600), 'template' || (1 + n % 8), 'Thông báo ' || n, n % 3 = 0, moment FROM moments WHERE n <= 3000;
INSERT INTO "ScheduledNotification"
SELECT 'scheduled' || n, 'user' || (1 + n % 600), 'template1', 'PENDING', unixepoch('2025-06-01', n || ' hours') * 1000 FROM numbers WHERE n <= 200;
INSERT INTO "PushDevice" SELECT 'push' || n, 'user' || n, token FROM tokens WHERE n <= 250;
INSERT INTO "Conversation" SELECT 'conversation' || n, 'project' || n FROM numbers WHERE n <= 120;
INSERT INTO "ConversationMember" SELECT 'conversation' || n, 'user' || (1 + n % 400) FROM numbers WHERE n <= 120;
INSERT INTO "ConversationMember" SELECT 'conversation' || n, 'user' || (401 + n) FROM numbers WHERE n <= 120;
INSERT INTO "Message"
SELECT 'message' || n, 'conversation' || (1 + n % 120), 'user' || (1 + n % 400),
       CASE n % 100 WHEN 0 THEN 'Dòng một' || char(10) || 'dòng' || char(9) || 'hai \N \.' ELSE 'Chào bạn ' || n END, moment
  FROM moments WHERE n <= 1200;
INSERT INTO "BlogPost"
SELECT 'post' || n, 'post-' || n, 'Bài viết ' || n, 'user' || (581 + n % 20), CASE WHEN n % 6 > 0 THEN unixepoch('2025-03-01', n || ' days') * 1000 END
  FROM numbers WHERE n <= 30;

-- What SQLite took and PostgreSQL does not: by any type that fits the rest of the column …
UPDATE "UserPreference" SET "data" = '{"theme": "tối",}' WHERE "userId" = 'user13';
UPDATE "UserPreference" SET "data" = '' WHERE "userId" = 'user14';
UPDATE "LoginAttempt" SET "createdAt" = 'hôm qua' WHERE "id" = 77;
UPDATE "LoginAttempt" SET "succeeded" = 2 WHERE "id" = 78;
-- … by the enum and by the CHECK of the tables that Prisma makes in PostgreSQL.
UPDATE "ProjectStatusHistory" SET "status" = 'ARCHIVED' WHERE "id" = 400;
UPDATE "Review" SET "rating" = 6 WHERE "id" = 'review120';

-- Indexes as Prisma names them.
CREATE UNIQUE INDEX "Setting_key_key" ON "Setting"("key");
CREATE UNIQUE INDEX "Region_slug_key" ON "Region"("slug");
CREATE UNIQUE INDEX "User_email_key" ON "User"("email");
CREATE UNIQUE INDEX "Session_tokenSelector_key" ON "Session"("tokenSelector");
CREATE UNIQUE INDEX "BlacklistedToken_token_key" ON "BlacklistedToken"("token");
CREATE UNIQUE INDEX "PasswordReset_tokenHash_key" ON "PasswordReset"("tokenHash");
CREATE UNIQUE INDEX "EmailVerification_userId_key" ON "EmailVerification"("userId");
CREATE UNIQUE INDEX "ServiceCategory_name_key" ON "ServiceCategory"("name");
CREATE UNIQUE INDEX "MaterialCategory_name_key" ON "MaterialCategory"("name");
CREATE UNIQUE INDEX "ContractorProfile_userId_key" ON "ContractorProfile"("userId");
CREATE UNIQUE INDEX "ContractorRanking_contractorId_key" ON "ContractorRanking"("contractorId");
CREATE UNIQUE INDEX "Skill_name_key" ON "Skill"("name");
CREATE UNIQUE INDEX "Project_code_key" ON "Project"("code");
CREATE UNIQUE INDEX "Project_selectedBidId_key" ON "Project"("selectedBidId");
CREATE UNIQUE INDEX "Bid_code_key" ON "Bid"("code");
CREATE UNIQUE INDEX "Bid_projectId_contractorId_key" ON "Bid"("projectId", "contractorId");
CREATE UNIQUE INDEX "Match_projectId_key" ON "Match"("projectId");
CREATE UNIQUE INDEX "Match_bidId_key" ON "Match"("bidId");
CREATE UNIQUE INDEX "Escrow_matchId_key" ON "Escrow"("matchId");
CREATE UNIQUE INDEX "Invoice_number_key" ON "Invoice"("number");
CREATE UNIQUE INDEX "Review_projectId_reviewerId_key" ON "Review"("projectId", "reviewerId");
CREATE UNIQUE INDEX "NotificationTemplate_name_key" ON "NotificationTemplate"("name");
CREATE UNIQUE INDEX "PushDevice_token_key" ON "PushDevice"("token");
CREATE UNIQUE INDEX "BlogPost_slug_key" ON "BlogPost"("slug");
CREATE INDEX "ContractorRanking_totalScore_rank_idx" ON "ContractorRanking"("totalScore", "rank");
CREATE UNIQUE INDEX "_ContractorSkills_AB_unique" ON "_ContractorSkills"("A", "B");
CREATE INDEX "_ContractorSkills_B_index" ON "_ContractorSkills"("B");
CREATE INDEX "ScheduledNotification_status_scheduledFor_idx" ON "ScheduledNotification"("status", "scheduledFor");
COMMIT;
