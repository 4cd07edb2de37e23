-- ATH marketplace, arrived from SQLite: 52 tables with mixed-case names in one pile in schema public.
-- Plain SQL only (no psql commands), deterministic data, so that it loads through psql and through libpq alike.

DO $$
DECLARE
    wanted text;
BEGIN
    FOREACH wanted IN ARRAY ARRAY['ath_owner', 'ath_app', 'ath_support'] LOOP
        BEGIN
            IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = wanted) THEN
                EXECUTE format('CREATE ROLE %I %s', wanted, CASE wanted WHEN 'ath_owner' THEN 'NOLOGIN' ELSE 'LOGIN' END);
            END IF;
        EXCEPTION WHEN duplicate_object OR unique_violation THEN
            NULL; -- another session loaded the same file at the same moment
        END;
    END LOOP;
END
$$;

CREATE TYPE "UserRole" AS ENUM ('HOMEOWNER', 'CONTRACTOR', 'ADMIN');
CREATE TYPE "ProjectStatus" AS ENUM ('DRAFT', 'OPEN', 'MATCHED', 'COMPLETED', 'CANCELLED');
CREATE TYPE "BidStatus" AS ENUM ('PENDING', 'APPROVED', 'SELECTED', 'REJECTED');
CREATE TYPE "EscrowState" AS ENUM ('HELD', 'RELEASED', 'REFUNDED');
CREATE DOMAIN "Percentage" AS double precision CHECK (VALUE BETWEEN 0 AND 100);

CREATE TABLE "_prisma_migrations" (
    id varchar(36) PRIMARY KEY, checksum varchar(64) NOT NULL, finished_at timestamptz,
    migration_name varchar(255) NOT NULL, logs text, rolled_back_at timestamptz,
    started_at timestamptz NOT NULL DEFAULT now(), applied_steps_count integer NOT NULL DEFAULT 0
);
CREATE TABLE "Setting" (id serial PRIMARY KEY, key text NOT NULL UNIQUE, value text NOT NULL, "updatedAt" timestamp(3) NOT NULL DEFAULT now());

-- Regions are a tree: province, district, ward.
CREATE TABLE "Region" (
    id text PRIMARY KEY, name text NOT NULL, slug text NOT NULL UNIQUE, level integer NOT NULL CHECK (level BETWEEN 1 AND 3),
    "parentId" text REFERENCES "Region" (id) ON DELETE SET NULL
);
CREATE TABLE "Address" (id text PRIMARY KEY, line text NOT NULL, "regionId" text NOT NULL REFERENCES "Region" (id));

-- Who is who.
CREATE TABLE "User" (
    id text PRIMARY KEY, email text NOT NULL UNIQUE, name text NOT NULL, "passwordHash" text NOT NULL,
    role "UserRole" NOT NULL DEFAULT 'HOMEOWNER', "addressId" text REFERENCES "Address" (id),
    "createdAt" timestamp(3) NOT NULL DEFAULT now(), "updatedAt" timestamp(3) NOT NULL DEFAULT now()
);
CREATE TABLE "Session" (
    id text PRIMARY KEY, "userId" text NOT NULL REFERENCES "User" (id) ON DELETE CASCADE,
    "tokenSelector" text NOT NULL UNIQUE, "tokenVerifier" text NOT NULL, "previousVerifier" text,
    "rotations" bigint NOT NULL DEFAULT 0, "expiresAt" timestamp(3) NOT NULL, "createdAt" timestamp(3) NOT NULL DEFAULT now()
);
CREATE TABLE "BlacklistedToken" (id text PRIMARY KEY, token text NOT NULL UNIQUE, "userId" text REFERENCES "User" (id), "expiresAt" timestamp(3) NOT NULL);
CREATE TABLE "PasswordReset" (id text PRIMARY KEY, "userId" text NOT NULL REFERENCES "User" (id) ON DELETE CASCADE, "tokenHash" text NOT NULL UNIQUE);
CREATE TABLE "EmailVerification" (id text PRIMARY KEY, "userId" text NOT NULL UNIQUE REFERENCES "User" (id) ON DELETE CASCADE, "verifiedAt" timestamp(3));
CREATE TABLE "LoginAttempt" (id bigserial PRIMARY KEY, email text NOT NULL, succeeded boolean NOT NULL, "createdAt" timestamp(3) NOT NULL DEFAULT now());
CREATE TABLE "UserPreference" ("userId" text PRIMARY KEY REFERENCES "User" (id) ON DELETE CASCADE, language text NOT NULL DEFAULT 'vi', data jsonb NOT NULL DEFAULT '{}');
CREATE TABLE "AuditLog" (
    id text PRIMARY KEY, "userId" text REFERENCES "User" (id), "eventType" text NOT NULL,
    metadata text, "createdAt" timestamp(3) NOT NULL DEFAULT now()
);
COMMENT ON COLUMN "AuditLog".metadata IS 'JSON as text, as SQLite kept it';

-- What work costs.
CREATE TABLE "ServiceCategory" (id text PRIMARY KEY, name text NOT NULL UNIQUE, slug text GENERATED ALWAYS AS (lower(name)) STORED);
CREATE TABLE "UnitPrice" (id text PRIMARY KEY, "categoryId" text NOT NULL REFERENCES "ServiceCategory" (id), name text NOT NULL, price double precision NOT NULL CHECK (price >= 0));
CREATE TABLE "MaterialCategory" (id text PRIMARY KEY, name text NOT NULL UNIQUE);
CREATE TABLE "Material" (id text PRIMARY KEY, "categoryId" text NOT NULL REFERENCES "MaterialCategory" (id), name text NOT NULL, price double precision NOT NULL);
CREATE TABLE "Formula" (id text PRIMARY KEY, "categoryId" text NOT NULL REFERENCES "ServiceCategory" (id), expression text NOT NULL);
CREATE TABLE "Quote" (id text PRIMARY KEY, "userId" text REFERENCES "User" (id), "formulaId" text NOT NULL REFERENCES "Formula" (id), "regionId" text REFERENCES "Region" (id), total double precision NOT NULL);

-- Contractors.
CREATE TABLE "ContractorProfile" (id text PRIMARY KEY, "userId" text NOT NULL UNIQUE REFERENCES "User" (id) ON DELETE CASCADE, "companyName" text NOT NULL, "regionId" text REFERENCES "Region" (id), "profileViews" bigint NOT NULL DEFAULT 0);
CREATE TABLE "ContractorDocument" (id text PRIMARY KEY, "contractorId" text NOT NULL REFERENCES "ContractorProfile" (id) ON DELETE CASCADE, kind text NOT NULL, url text NOT NULL);
CREATE TABLE "ContractorRanking" (
    id text PRIMARY KEY, "contractorId" text NOT NULL UNIQUE REFERENCES "User" (id), rank integer NOT NULL,
    "totalScore" "Percentage" NOT NULL, "isFeatured" boolean NOT NULL DEFAULT false
);
CREATE INDEX "ContractorRanking_totalScore_rank_idx" ON "ContractorRanking" ("totalScore", rank);
CREATE TABLE "Portfolio" (id text PRIMARY KEY, "contractorId" text NOT NULL REFERENCES "ContractorProfile" (id) ON DELETE CASCADE, title text NOT NULL);
CREATE TABLE "PortfolioImage" (id text PRIMARY KEY, "portfolioId" text NOT NULL REFERENCES "Portfolio" (id) ON DELETE CASCADE, url text NOT NULL);
CREATE TABLE "Skill" (id text PRIMARY KEY, name text NOT NULL UNIQUE);
CREATE TABLE "_ContractorSkills" (
    "A" text NOT NULL REFERENCES "ContractorProfile" (id) ON DELETE CASCADE,
    "B" text NOT NULL REFERENCES "Skill" (id) ON DELETE CASCADE
);
CREATE UNIQUE INDEX "_ContractorSkills_AB_unique" ON "_ContractorSkills" ("A", "B");
CREATE INDEX "_ContractorSkills_B_index" ON "_ContractorSkills" ("B");
CREATE TABLE "VerificationRequest" (id text PRIMARY KEY, "contractorId" text NOT NULL REFERENCES "ContractorProfile" (id), "reviewedBy" text REFERENCES "User" (id), approved boolean);

-- The marketplace. A project names the bid that won, a bid names its project.
CREATE TABLE "Project" (
    id text PRIMARY KEY, code text NOT NULL UNIQUE, title text NOT NULL, "ownerId" text NOT NULL REFERENCES "User" (id),
    "regionId" text NOT NULL REFERENCES "Region" (id), "categoryId" text NOT NULL REFERENCES "ServiceCategory" (id),
    status "ProjectStatus" NOT NULL DEFAULT 'DRAFT', budget double precision, "selectedBidId" text UNIQUE,
    "viewCount" bigint NOT NULL DEFAULT 0, "publishedAt" timestamp(3), "updatedAt" timestamp(3) NOT NULL DEFAULT now()
);
CREATE STATISTICS "Project_region_category_stats" (dependencies) ON "regionId", "categoryId" FROM "Project";
CREATE TABLE "Bid" (
    id text PRIMARY KEY, code text NOT NULL UNIQUE, "projectId" text NOT NULL REFERENCES "Project" (id) ON DELETE CASCADE,
    "contractorId" text NOT NULL REFERENCES "User" (id), price double precision NOT NULL CHECK (price > 0),
    status "BidStatus" NOT NULL DEFAULT 'PENDING', "createdAt" timestamp(3) NOT NULL DEFAULT now(), UNIQUE ("projectId", "contractorId")
);
ALTER TABLE "Project" ADD CONSTRAINT "Project_selectedBidId_fkey" FOREIGN KEY ("selectedBidId") REFERENCES "Bid" (id) ON DELETE SET NULL;
CREATE TABLE "ProjectImage" (id text PRIMARY KEY, "projectId" text NOT NULL REFERENCES "Project" (id) ON DELETE CASCADE, url text NOT NULL);
CREATE TABLE "ProjectStatusHistory" (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, "projectId" text NOT NULL REFERENCES "Project" (id) ON DELETE CASCADE, status "ProjectStatus" NOT NULL, "changedAt" timestamp(3) NOT NULL DEFAULT now());
CREATE TABLE "ProjectQuestion" (id text PRIMARY KEY, "projectId" text NOT NULL REFERENCES "Project" (id) ON DELETE CASCADE, "askedBy" text NOT NULL REFERENCES "User" (id), body text NOT NULL);
CREATE TABLE "SavedProject" ("userId" text NOT NULL REFERENCES "User" (id) ON DELETE CASCADE, "projectId" text NOT NULL REFERENCES "Project" (id) ON DELETE CASCADE, PRIMARY KEY ("userId", "projectId"));
CREATE TABLE "BidAttachment" (id text PRIMARY KEY, "bidId" text NOT NULL REFERENCES "Bid" (id) ON DELETE CASCADE, url text NOT NULL);
CREATE TABLE "Match" (id text PRIMARY KEY, "projectId" text NOT NULL UNIQUE REFERENCES "Project" (id), "bidId" text NOT NULL UNIQUE REFERENCES "Bid" (id));
CREATE TABLE "Milestone" (id text PRIMARY KEY, "matchId" text NOT NULL REFERENCES "Match" (id) ON DELETE CASCADE, title text NOT NULL, done boolean NOT NULL DEFAULT false);

-- Money.
CREATE SEQUENCE "InvoiceNumber" START WITH 7000;
CREATE TABLE "Escrow" (id text PRIMARY KEY, "matchId" text NOT NULL UNIQUE REFERENCES "Match" (id), amount double precision NOT NULL, state "EscrowState" NOT NULL DEFAULT 'HELD');
CREATE TABLE "EscrowEvent" (id text PRIMARY KEY, "escrowId" text NOT NULL REFERENCES "Escrow" (id) ON DELETE CASCADE, note text NOT NULL);
CREATE TABLE "FeeTransaction" (id text PRIMARY KEY, "escrowId" text NOT NULL REFERENCES "Escrow" (id), "userId" text NOT NULL REFERENCES "User" (id), amount double precision NOT NULL);
CREATE TABLE "Invoice" (id text PRIMARY KEY, number bigint NOT NULL UNIQUE DEFAULT nextval('"InvoiceNumber"'::regclass), "feeId" text NOT NULL REFERENCES "FeeTransaction" (id));
CREATE TABLE "PaymentMethod" (id text PRIMARY KEY, "userId" text NOT NULL REFERENCES "User" (id) ON DELETE CASCADE, label text NOT NULL);
CREATE TABLE "Payout" (id text PRIMARY KEY, "escrowId" text NOT NULL REFERENCES "Escrow" (id), "methodId" text REFERENCES "PaymentMethod" (id), amount double precision NOT NULL);
CREATE TABLE "Dispute" (id text PRIMARY KEY, "escrowId" text NOT NULL REFERENCES "Escrow" (id), "openedBy" text NOT NULL REFERENCES "User" (id), reason text NOT NULL);

-- Reviews, notifications, messages, blog.
CREATE TABLE "Review" (
    id text PRIMARY KEY, "projectId" text NOT NULL REFERENCES "Project" (id), "reviewerId" text NOT NULL REFERENCES "User" (id),
    "contractorId" text NOT NULL REFERENCES "User" (id), rating integer NOT NULL CHECK (rating BETWEEN 1 AND 5), comment text,
    "isDeleted" boolean NOT NULL DEFAULT false, "createdAt" timestamp(3) NOT NULL DEFAULT now(), UNIQUE ("projectId", "reviewerId")
);
CREATE TABLE "ReviewImage" (id text PRIMARY KEY, "reviewId" text NOT NULL REFERENCES "Review" (id) ON DELETE CASCADE, url text NOT NULL);
CREATE TABLE "NotificationTemplate" (id text PRIMARY KEY, name text NOT NULL UNIQUE, body text NOT NULL);
CREATE TABLE "Notification" (
    id text PRIMARY KEY, "userId" text NOT NULL REFERENCES "User" (id) ON DELETE CASCADE, "templateId" text REFERENCES "NotificationTemplate" (id),
    title text NOT NULL, "isRead" boolean NOT NULL DEFAULT false, "createdAt" timestamp(3) NOT NULL DEFAULT now()
);
CREATE TABLE "ScheduledNotification" (
    id text PRIMARY KEY, "userId" text NOT NULL REFERENCES "User" (id) ON DELETE CASCADE, "templateId" text REFERENCES "NotificationTemplate" (id),
    status text NOT NULL DEFAULT 'PENDING', "scheduledFor" timestamp(3) NOT NULL
);
CREATE INDEX "ScheduledNotification_status_scheduledFor_idx" ON "ScheduledNotification" (status, "scheduledFor");
CREATE TABLE "PushDevice" (id text PRIMARY KEY, "userId" text NOT NULL REFERENCES "User" (id) ON DELETE CASCADE, token text NOT NULL UNIQUE);
CREATE TABLE "Conversation" (id text PRIMARY KEY, "projectId" text REFERENCES "Project" (id) ON DELETE SET NULL);
CREATE TABLE "ConversationMember" ("conversationId" text NOT NULL REFERENCES "Conversation" (id) ON DELETE CASCADE, "userId" text NOT NULL REFERENCES "User" (id), PRIMARY KEY ("conversationId", "userId"));
CREATE TABLE "Message" (id text PRIMARY KEY, "conversationId" text NOT NULL REFERENCES "Conversation" (id) ON DELETE CASCADE, "senderId" text NOT NULL REFERENCES "User" (id), body text NOT NULL, "createdAt" timestamp(3) NOT NULL DEFAULT now());
CREATE TABLE "BlogPost" (id text PRIMARY KEY, slug text NOT NULL UNIQUE, title text NOT NULL, "authorId" text NOT NULL REFERENCES "User" (id), "publishedAt" timestamp(3));

CREATE FUNCTION "formatDong"(amount double precision) RETURNS text
    LANGUAGE sql IMMUTABLE AS $$SELECT to_char(amount, 'FM999G999G999G990') || ' VND'$$;
CREATE FUNCTION "touchUpdatedAt"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW."updatedAt" := now();
    RETURN NEW;
END
$$;
CREATE FUNCTION "setting"(wanted text) RETURNS text LANGUAGE sql STABLE AS 'SELECT value FROM public."Setting" WHERE key = wanted';

CREATE FUNCTION "unreadCount"(wanted_user text) RETURNS bigint
    LANGUAGE sql STABLE AS 'SELECT count(*) FROM "Notification" WHERE "userId" = wanted_user AND NOT "isRead"';
CREATE FUNCTION "regionPath"(leaf text) RETURNS text LANGUAGE sql STABLE AS $$
    WITH RECURSIVE up AS (
        SELECT r.id, r.name, r."parentId", 1 AS depth FROM "Region" r WHERE r.id = leaf
        UNION ALL
        SELECT r.id, r.name, r."parentId", up.depth + 1 FROM "Region" r JOIN up ON up."parentId" = r.id WHERE up.depth < 10
    )
    SELECT string_agg(name, ' / ' ORDER BY depth DESC) FROM up
$$;
CREATE FUNCTION "selectBid"(wanted_bid text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    chosen "Bid"%ROWTYPE;
BEGIN
    SELECT * INTO STRICT chosen FROM "Bid" WHERE id = wanted_bid FOR UPDATE;
    UPDATE "Bid" SET status = CASE WHEN id = wanted_bid THEN 'SELECTED' ELSE 'REJECTED' END::"BidStatus" WHERE "projectId" = chosen."projectId";
    UPDATE "Project" SET "selectedBidId" = wanted_bid, status = 'MATCHED' WHERE id = chosen."projectId";
    INSERT INTO "Notification" (id, "userId", title) VALUES ('selected-' || wanted_bid, chosen."contractorId", 'Your bid was selected')
    ON CONFLICT (id) DO NOTHING;
    RETURN chosen."projectId";
END
$$;
CREATE FUNCTION "recordStatus"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.status IS DISTINCT FROM OLD.status THEN
        INSERT INTO "ProjectStatusHistory" ("projectId", status) VALUES (NEW.id, NEW.status);
    END IF;
    RETURN NULL;
END
$$;

CREATE FUNCTION "recomputeRanking"(wanted_contractor text) RETURNS double precision LANGUAGE plpgsql AS $$
DECLARE
    score double precision;
BEGIN
    SELECT coalesce(avg(rating) * 20, 0) INTO score FROM public."Review" WHERE "contractorId" = wanted_contractor AND NOT "isDeleted";
    UPDATE public."ContractorRanking" SET "totalScore" = score WHERE "contractorId" = wanted_contractor;
    RETURN score;
END
$$;
CREATE FUNCTION "expireSessions"() RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    expired bigint;
BEGIN
    EXECUTE 'DELETE FROM "public"."Session" WHERE "expiresAt" < now()';
    GET DIAGNOSTICS expired = ROW_COUNT;
    RETURN expired;
END
$$;

CREATE VIEW "MarketplaceProject" AS
    SELECT p.id, p.code, p.title, r.name AS region, c.name AS category, p."publishedAt", count(b.id) AS bids
      FROM "Project" p JOIN "Region" r ON r.id = p."regionId" JOIN "ServiceCategory" c ON c.id = p."categoryId"
           LEFT JOIN "Bid" b ON b."projectId" = p.id
     WHERE p.status = 'OPEN' GROUP BY p.id, r.name, c.name;
CREATE MATERIALIZED VIEW "ReviewStats" AS
    SELECT "contractorId", count(*) AS reviews, avg(rating) AS rating FROM "Review" WHERE NOT "isDeleted" GROUP BY "contractorId"
    WITH NO DATA;
CREATE UNIQUE INDEX "ReviewStats_contractorId_key" ON "ReviewStats" ("contractorId");

ALTER TABLE "Message" ENABLE ROW LEVEL SECURITY;
CREATE POLICY message_app ON "Message" TO ath_app USING (true) WITH CHECK (true);
CREATE POLICY message_support ON "Message" FOR SELECT TO ath_support
    USING (EXISTS (SELECT FROM "ConversationMember" m WHERE m."conversationId" = "Message"."conversationId" AND m."userId" = 'user1'));

-- A role of its own owns the tables: referential checks run with its rights.
DO $$
DECLARE
    found record;
BEGIN
    FOR found IN
        SELECT c.oid::regclass AS name, c.relkind FROM pg_catalog.pg_class c
         WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'v', 'm')
    LOOP
        EXECUTE format('ALTER %s %s OWNER TO ath_owner',
                       CASE found.relkind WHEN 'r' THEN 'TABLE' WHEN 'v' THEN 'VIEW' ELSE 'MATERIALIZED VIEW' END, found.name);
    END LOOP;
END
$$;
GRANT USAGE ON SCHEMA public TO ath_owner, ath_app, ath_support;
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO ath_app;
GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO ath_app, ath_owner;
GRANT SELECT ON "Message", "Conversation", "ConversationMember", "Project", "MarketplaceProject" TO ath_support;

INSERT INTO "_prisma_migrations" (id, checksum, finished_at, migration_name, started_at, applied_steps_count)
SELECT md5('migration ' || n)::uuid::text, md5('a' || n) || md5('b' || n), timestamptz '2025-01-02 08:00:01+00' + n * interval '9 days',
       '2025010' || n || '_step', timestamptz '2025-01-02 08:00:00+00' + n * interval '9 days', 1 FROM generate_series(1, 6) AS n;
INSERT INTO "Setting" (key, value, "updatedAt") SELECT 'setting.' || n, n::text, timestamp '2025-01-01' FROM generate_series(1, 25) AS n;
INSERT INTO "Region" SELECT 'p' || n, 'Province ' || n, 'p' || n, 1, NULL FROM generate_series(1, 5) AS n;
INSERT INTO "Region" SELECT 'd' || n, 'District ' || n, 'd' || n, 2, 'p' || 1 + n % 5 FROM generate_series(1, 25) AS n;
INSERT INTO "Region" SELECT 'w' || n, 'Ward ' || n, 'w' || n, 3, 'd' || 1 + n % 25 FROM generate_series(1, 150) AS n;
INSERT INTO "Address" SELECT 'address' || n, n || ' Main Street', 'w' || 1 + n % 150 FROM generate_series(1, 200) AS n;
-- Users 1 to 400 own homes, 401 to 580 are contractors, the last 20 are admins.
INSERT INTO "User" (id, email, name, "passwordHash", role, "addressId", "createdAt", "updatedAt")
SELECT 'user' || n, 'user' || n || '@ath.example', 'User ' || n, md5('hash ' || n),
       (CASE WHEN n <= 400 THEN 'HOMEOWNER' WHEN n <= 580 THEN 'CONTRACTOR' ELSE 'ADMIN' END)::"UserRole",
       CASE WHEN n <= 200 THEN 'address' || n END, timestamp '2024-09-01' + n * interval '1 hour', timestamp '2024-10-01' FROM generate_series(1, 600) AS n;
INSERT INTO "Session" (id, "userId", "tokenSelector", "tokenVerifier", "expiresAt", "createdAt")
SELECT 'session' || n, 'user' || 1 + n % 600, md5('selector ' || n), md5('verifier ' || n), timestamp '2099-01-01' + n * interval '1 minute', timestamp '2025-05-01'
  FROM generate_series(1, 900) AS n;
INSERT INTO "BlacklistedToken" SELECT 'black' || n, md5('token ' || n), 'user' || n, timestamp '2025-06-01' FROM generate_series(1, 120) AS n;
INSERT INTO "PasswordReset" SELECT 'reset' || n, 'user' || n, md5('reset ' || n) FROM generate_series(1, 40) AS n;
INSERT INTO "EmailVerification" SELECT 'verify' || n, 'user' || n, CASE WHEN n % 9 > 0 THEN timestamp '2024-10-01' END FROM generate_series(1, 600) AS n;
INSERT INTO "LoginAttempt" (email, succeeded, "createdAt")
SELECT 'user' || 1 + n % 600 || '@ath.example', n % 7 > 0, timestamp '2025-05-01' + n * interval '1 minute' FROM generate_series(1, 800) AS n;
INSERT INTO "UserPreference" ("userId") SELECT 'user' || n FROM generate_series(1, 300) AS n;
INSERT INTO "AuditLog"
SELECT 'audit' || n, 'user' || 1 + n % 600, (ARRAY['LOGIN', 'LOGOUT', 'REFRESH'])[1 + n % 3], '{"ip":"192.0.2.1"}', timestamp '2025-05-01' + n * interval '1 minute'
  FROM generate_series(1, 2000) AS n;
INSERT INTO "ServiceCategory" (id, name) SELECT 'category' || n, 'Category ' || n FROM generate_series(1, 12) AS n;
INSERT INTO "UnitPrice" SELECT 'price' || n, 'category' || 1 + n % 12, 'Work ' || n, 50000 + n * 1000 FROM generate_series(1, 60) AS n;
INSERT INTO "MaterialCategory" SELECT 'matcat' || n, 'Material kind ' || n FROM generate_series(1, 6) AS n;
INSERT INTO "Material" SELECT 'material' || n, 'matcat' || 1 + n % 6, 'Material ' || n, 20000 + n * 500 FROM generate_series(1, 90) AS n;
INSERT INTO "Formula" SELECT 'formula' || n, 'category' || n, 'area * price' FROM generate_series(1, 12) AS n;
INSERT INTO "Quote" SELECT 'quote' || n, 'user' || 1 + n % 400, 'formula' || 1 + n % 12, 'd' || 1 + n % 25, 1000000 + n * 1000 FROM generate_series(1, 150) AS n;
INSERT INTO "ContractorProfile" (id, "userId", "companyName", "regionId")
SELECT 'contractor' || n, 'user' || 400 + n, 'Company ' || n, 'd' || 1 + n % 25 FROM generate_series(1, 180) AS n;
INSERT INTO "ContractorDocument" SELECT 'document' || n, 'contractor' || 1 + n % 180, 'licence', '/files/' || n FROM generate_series(1, 200) AS n;
INSERT INTO "ContractorRanking" SELECT 'ranking' || n, 'user' || 400 + n, n, 100 - n * 0.5, n <= 10 FROM generate_series(1, 180) AS n;
INSERT INTO "Portfolio" SELECT 'portfolio' || n, 'contractor' || n, 'Work of ' || n FROM generate_series(1, 100) AS n;
INSERT INTO "PortfolioImage" SELECT 'pimage' || n, 'portfolio' || 1 + n % 100, '/images/' || n FROM generate_series(1, 250) AS n;
INSERT INTO "Skill" SELECT 'skill' || n, 'Skill ' || n FROM generate_series(1, 15) AS n;
INSERT INTO "_ContractorSkills" SELECT 'contractor' || n, 'skill' || 1 + (n + k) % 15 FROM generate_series(1, 180) AS n, generate_series(0, 2) AS k;
INSERT INTO "VerificationRequest" SELECT 'vrequest' || n, 'contractor' || n, 'user' || 581 + n % 20, true FROM generate_series(1, 60) AS n;
INSERT INTO "Project" (id, code, title, "ownerId", "regionId", "categoryId", status, budget, "publishedAt", "updatedAt")
SELECT 'project' || n, 'PRJ-' || n, 'Project ' || n, 'user' || 1 + n % 400, 'd' || 1 + n % 25, 'category' || 1 + n % 12,
       (CASE WHEN n <= 120 THEN 'MATCHED' ELSE (ARRAY['OPEN', 'OPEN', 'DRAFT', 'CANCELLED'])[1 + n % 4] END)::"ProjectStatus",
       5000000 + n * 10000, timestamp '2025-02-01' + n * interval '1 hour', timestamp '2025-03-01' FROM generate_series(1, 500) AS n;
INSERT INTO "Bid" (id, code, "projectId", "contractorId", price, status, "createdAt")
SELECT 'bid' || n || '-' || k, 'BID-' || n || '-' || k, 'project' || n, 'user' || 401 + (n * 3 + k) % 180, 4000000 + n * 9000 + k * 1000,
       (CASE WHEN n <= 120 AND k = 1 THEN 'SELECTED' ELSE 'PENDING' END)::"BidStatus", timestamp '2025-02-10' + n * interval '1 hour'
  FROM generate_series(1, 500) AS n, generate_series(1, 3) AS k;
UPDATE "Project" p SET "selectedBidId" = b.id FROM "Bid" b WHERE b."projectId" = p.id AND b.status = 'SELECTED';
INSERT INTO "ProjectImage" SELECT 'image' || n, 'project' || 1 + n % 500, '/images/' || n FROM generate_series(1, 700) AS n;
INSERT INTO "ProjectStatusHistory" ("projectId", status, "changedAt") SELECT 'project' || n, 'OPEN', timestamp '2025-02-01' FROM generate_series(1, 500) AS n;
INSERT INTO "ProjectQuestion" SELECT 'question' || n, 'project' || 1 + n % 500, 'user' || 401 + n % 180, 'When may we start?' FROM generate_series(1, 90) AS n;
INSERT INTO "SavedProject" SELECT 'user' || 401 + n % 180, 'project' || n FROM generate_series(1, 260) AS n;
INSERT INTO "BidAttachment" SELECT 'attachment' || n, 'bid' || n || '-1', '/files/b' || n FROM generate_series(1, 200) AS n;
INSERT INTO "Match" SELECT 'match' || n, 'project' || n, 'bid' || n || '-1' FROM generate_series(1, 120) AS n;
INSERT INTO "Milestone" SELECT 'milestone' || n || '-' || k, 'match' || n, 'Step ' || k, k = 1 FROM generate_series(1, 120) AS n, generate_series(1, 3) AS k;
INSERT INTO "Escrow" SELECT 'escrow' || n, 'match' || n, 400000 + n * 900, CASE WHEN n % 4 = 0 THEN 'RELEASED' ELSE 'HELD' END::"EscrowState" FROM generate_series(1, 120) AS n;
INSERT INTO "EscrowEvent" SELECT 'eevent' || n, 'escrow' || n, 'opened' FROM generate_series(1, 120) AS n;
INSERT INTO "FeeTransaction" SELECT 'fee' || n, 'escrow' || n, 'user' || 401 + n, 40000 FROM generate_series(1, 100) AS n;
INSERT INTO "Invoice" (id, "feeId") SELECT 'invoice' || n, 'fee' || n FROM generate_series(1, 100) AS n;
INSERT INTO "PaymentMethod" SELECT 'method' || n, 'user' || 400 + n, 'Bank' FROM generate_series(1, 90) AS n;
INSERT INTO "Payout" SELECT 'payout' || n, 'escrow' || n * 4, 'method' || n, 300000 FROM generate_series(1, 30) AS n;
INSERT INTO "Dispute" SELECT 'dispute' || n, 'escrow' || n, 'user' || n, 'late' FROM generate_series(1, 8) AS n;
INSERT INTO "Review" (id, "projectId", "reviewerId", "contractorId", rating, comment, "createdAt")
SELECT 'review' || n, 'project' || n, 'user' || 1 + n % 400, 'user' || 401 + (n * 3 + 1) % 180, 1 + n % 5, 'Review ' || n, timestamp '2025-04-01' + n * interval '1 hour'
  FROM generate_series(1, 120) AS n;
INSERT INTO "ReviewImage" SELECT 'rimage' || n, 'review' || n, '/images/r' || n FROM generate_series(1, 50) AS n;
INSERT INTO "NotificationTemplate" SELECT 'template' || n, 'Template ' || n, 'Body' FROM generate_series(1, 8) AS n;
INSERT INTO "Notification" (id, "userId", "templateId", title, "isRead", "createdAt")
SELECT 'notification' || n, 'user' || 1 + n % 600, 'template' || 1 + n % 8, 'Title ' || n, n % 3 = 0, timestamp '2025-05-01' + n * interval '1 minute'
  FROM generate_series(1, 3000) AS n;
INSERT INTO "ScheduledNotification" SELECT 'scheduled' || n, 'user' || 1 + n % 600, 'template1', 'PENDING', timestamp '2025-06-01' + n * interval '1 hour' FROM generate_series(1, 200) AS n;
INSERT INTO "PushDevice" SELECT 'push' || n, 'user' || n, md5('push ' || n) FROM generate_series(1, 250) AS n;
INSERT INTO "Conversation" SELECT 'conversation' || n, 'project' || n FROM generate_series(1, 120) AS n;
INSERT INTO "ConversationMember" SELECT 'conversation' || n, 'user' || u FROM generate_series(1, 120) AS n, LATERAL (VALUES (1 + n % 400), (401 + n)) AS m (u);
INSERT INTO "Message" SELECT 'message' || n, 'conversation' || 1 + n % 120, 'user' || 1 + n % 400, 'Hello ' || n, timestamp '2025-05-01' + n * interval '1 minute' FROM generate_series(1, 1200) AS n;
INSERT INTO "BlogPost" SELECT 'post' || n, 'post-' || n, 'Post ' || n, 'user' || 581 + n % 20, timestamp '2025-03-01' + n * interval '1 day' FROM generate_series(1, 30) AS n;

-- After the data, so that a load gives the same rows every time.
CREATE TRIGGER "Project_status" AFTER UPDATE OF status ON "Project" FOR EACH ROW EXECUTE FUNCTION "recordStatus"();
CREATE TRIGGER "User_touch" BEFORE UPDATE ON "User" FOR EACH ROW EXECUTE FUNCTION "touchUpdatedAt"();
REFRESH MATERIALIZED VIEW "ReviewStats";
ANALYZE;
